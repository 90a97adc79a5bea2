/// Notices that a path no longer carries large datagrams (RFC 8899 §4.3), for which ngtcp2 0.12 does not look.
///
/// Of streams it watches one at a time: the one whose data went out in a large packet first since the last such was
/// acknowledged. When nothing of it is acknowledged for several probe timeouts, in which ngtcp2 has sent it again and
/// just as large, packets shrink to what every path carries. So they do when many large datagrams (RFC 9221) are lost
/// and none arrives. A path that was dead for so long is taken for one, too; all
/// that this costs is a sixth more packets. After ``raiseTime``, and on another path, large ones are tried again.
final class BlackHoleWatch {
    /// What every path of QUIC carries (RFC 9000 §14).
    static let safePayloadBytes = 1200
    /// How often the watch looks, each time at least a probe timeout after the last, until it has seen enough. Looks are
    /// counted and not just time, so that one long pause of this process does not look like a path's.
    static let maximumLooks = 3
    /// The shortest time between two looks: a peer may be slow, and the path a local one.
    static let shortestInterval: QUICTime = .milliseconds(200)
    /// The PMTU_RAISE_TIMER of RFC 8899 §5.1.1.
    static let raiseTime: QUICTime = .seconds(600)

    /// How many large datagrams may be lost in a row.
    static let maximumLostDatagrams = 10

    /// Large datagrams on their way; congestion control bounds their number.
    private var largeDatagrams: Set<UInt64> = []
    private var lostDatagrams = 0
    private var suspect: (stream: Int64, lastLook: QUICTime, looks: Int)?
    private var foundAt: QUICTime?
    private(set) var count: UInt64 = 0

    /// Whether only small packets are sent.
    var isSmall: Bool { foundAt != nil }

    /// A packet with data of `stream` has gone out.
    func sent(_ byteCount: Int, stream: Int64, now: QUICTime) {
        guard byteCount > Self.safePayloadBytes, suspect == nil else { return }
        suspect = (stream, now, 0)
    }

    /// The peer has data of `stream`, or nobody waits for it any more.
    func settled(_ stream: Int64) {
        if suspect?.stream == stream { suspect = nil }
    }

    /// A datagram of an application has gone out.
    func sentDatagram(_ id: UInt64, byteCount: Int) {
        // With type, ID, number and tag it fills more than the safe packet.
        if byteCount > Self.safePayloadBytes - 44 { largeDatagrams.insert(id) }
    }

    func datagramSettled(_ id: UInt64, isLost: Bool) {
        guard largeDatagrams.remove(id) != nil else { return }
        lostDatagrams = isLost ? lostDatagrams + 1 : 0
    }

    func pathChanged() {
        lostDatagrams = 0
        largeDatagrams.removeAll()
        suspect = nil
        foundAt = nil
    }

    /// Judges what is overdue.
    func check(now: QUICTime, probeTimeout: () -> QUICTime) {
        if let foundAt {
            if now >= foundAt + Self.raiseTime { pathChanged() }
        } else if lostDatagrams >= Self.maximumLostDatagrams {
            found(now: now)
        } else if let suspect, now > suspect.lastLook,
            now - suspect.lastLook >= max(probeTimeout(), Self.shortestInterval)
        {
            self.suspect = (suspect.stream, now, suspect.looks + 1)
            if suspect.looks + 1 >= Self.maximumLooks { found(now: now) }
        }
    }

    private func found(now: QUICTime) {
        pathChanged()
        foundAt = now
        count += 1
    }
}
