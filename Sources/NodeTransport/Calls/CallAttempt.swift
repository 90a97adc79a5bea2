internal import Synchronization

/// One attempt at a call, by which the layer that chooses peers tells the layers above where the call went, and learns
/// how long it may take there.
package final class CallAttempt: Sendable {
    /// How many peers it remembers: the ones that it was sent to last.
    private static let maximumPeers = 8

    /// How long the call may take from when a peer was chosen; `nil` for its whole deadline.
    package let timeout: Duration?

    /// The attempt of a layer further out, of which this one is a part.
    private let outer: CallAttempt?
    private let storage = Mutex<[Endpoint]>([])

    package init(timeout: Duration? = nil, within outer: CallAttempt? = nil) {
        self.timeout = timeout
        self.outer = outer
    }

    /// The peers that it was sent to, the last one last; none while it waits for one.
    package var peers: [Endpoint] { storage.withLock { $0 } }

    /// It is sent to `peer` now.
    ///
    /// - Parameter deadline: The call's own.
    /// - Returns: By when it must have ended there.
    package func sent(to peer: Endpoint, deadline: Deadline?, now: ContinuousClock.Instant) -> Deadline? {
        storage.withLock { peers in
            peers = peers.filter { $0 != peer }.suffix(Self.maximumPeers - 1) + [peer]
        }
        let bound = outer.map { $0.sent(to: peer, deadline: deadline, now: now) } ?? deadline
        return timeout.map { Deadline.bounding(bound, to: $0, from: now) } ?? bound
    }
}

extension Deadline {
    /// The earlier of `deadline` and the end of `timeout`, which is at most a day.
    package static func bounding(
        _ deadline: Deadline?, to timeout: Duration, from now: ContinuousClock.Instant
    ) -> Deadline {
        let own = Deadline(now.advanced(by: min(max(timeout, .zero), .seconds(86_400))))
        return deadline.map { min($0, own) } ?? own
    }
}

extension CallAttempt: Equatable {
    package static func == (left: CallAttempt, right: CallAttempt) -> Bool { left === right }
}

/// A connection that may choose a peer for each call, and then heeds the call's ``CallAttempt``.
package protocol PeerChoosing {
    /// Whether it does.
    var choosesPeers: Bool { get }
}
