/// Datagrams of one peer as they came from the kernel, lent for the length of one call.
package struct UDPReceived: ~Escapable {
    /// One datagram after the other, without gaps.
    package let bytes: RawSpan
    /// The length of each datagram but the last, which may be shorter. At least 1, except for an empty datagram.
    package let segmentBytes: Int
    package let ecn: ECN
    /// Where they were sent to. Without ``UDPFeatures/packetInfo`` what the socket is bound to, which may be the
    /// any-address.
    package let local: InternetAddress
    package let remote: InternetAddress

    @_lifetime(copy bytes)
    init(bytes: RawSpan, segmentBytes: Int, ecn: ECN, local: InternetAddress, remote: InternetAddress) {
        self.bytes = bytes
        self.segmentBytes = segmentBytes
        self.ecn = ecn
        self.local = local
        self.remote = remote
    }

    /// How many datagrams there are, at least 1.
    package var count: Int {
        segmentBytes > 0 && !bytes.isEmpty ? (bytes.byteCount + segmentBytes - 1) / segmentBytes : 1
    }

    /// The bytes of the datagram at `index` (0..<``count``).
    package subscript(index: Int) -> RawSpan {
        @_lifetime(copy self)
        get {
            let start = min(index * segmentBytes, bytes.byteCount)
            return bytes.extracting(start..<min(start + max(segmentBytes, 0), bytes.byteCount))
        }
    }
}

/// Takes what happens on a ``UDPSocket``, on its loop.
///
/// Each call may send, and may close the socket.
package protocol UDPSocketHandler: AnyObject {
    /// Datagrams have come. Another receive from any socket of the loop overwrites them.
    func received(_ datagrams: borrowing UDPReceived, on socket: UDPSocket)

    /// What this wake-up brings has been handed over: the moment to answer.
    func receivedAll(on socket: UDPSocket)

    /// A send that was ``UDPSendResult/blocked(sentBytes:)`` can go on.
    func writable(_ socket: UDPSocket)

    /// Something sent earlier did not arrive, or receiving failed; the socket goes on.
    func failed(_ failure: UDPFailure, on socket: UDPSocket)
}

/// News that the network or the kernel has for a socket.
package struct UDPFailure: Error, Hashable, CustomStringConvertible {
    /// The error number: `ECONNREFUSED` when nobody listens at the peer's port, `EMSGSIZE` when a router names a
    /// smaller MTU, `EHOSTUNREACH`, …. Anyone on the way could have forged the message (RFC 9000 §14.2.1).
    package let errno: Int32
    /// Whom it was sent to, where the kernel says.
    package let remote: InternetAddress?
    /// With `EMSGSIZE`: the MTU that was named, in bytes.
    package let mtu: Int?

    package init(errno: Int32, remote: InternetAddress?, mtu: Int?) {
        self.errno = errno
        self.remote = remote
        self.mtu = mtu
    }

    package var description: String {
        let peer = remote.map { " (to \($0))" } ?? ""
        return systemMessage(errno) + peer
    }
}

/// What became of a send.
package enum UDPSendResult: Sendable, Hashable {
    /// The kernel has it all; or has dropped it for want of room, which is a loss like any other.
    case sent
    /// The socket's buffer is full. The first `sentBytes` are gone, whole datagrams; the handler is called when
    /// there is room again.
    case blocked(sentBytes: Int)
    /// A datagram is larger than the path's known MTU or than UDP can carry; those before it are gone.
    case tooLarge(sentBytes: Int)
    /// The kernel refuses to send this: no route, a source address that is not ours, a firewall's rule, a closed
    /// socket. To the protocol above a loss; the number says why.
    case refused(errno: Int32)
}
