internal import EventLoops
package import NodeTransport

/// Decides when to ping an idle connection and when to give it up: a pure machine.
///
/// ```
/// quiet ──(interval without a byte)──▶ pinged ──(timeout without a byte)──▶ lost
///   ▲                                     │
///   └───────────(anything arrives)────────┘
/// ```
package struct KeepAlive {
    package enum Next {
        /// Ask again after this long.
        case wait(Duration)
        /// Send a ping with this payload, and ask again after this long.
        case ping(UInt64, Duration)
        case lost(String)
    }

    private static let payloadBase: UInt64 = 0x6b65_6570_0000_0000

    private let policy: KeepAlivePolicy
    private var pingSentAt: Int64?
    private var pings: UInt64 = 0

    package init(_ policy: KeepAlivePolicy, now: Int64) { self.policy = policy }

    package mutating func pongReceived() { pingSentAt = nil }

    /// What to do now; times in nanoseconds of one monotonic clock.
    package mutating func next(now: Int64, lastReceive: Int64) -> Next {
        let interval = policy.interval.clampedNanoseconds
        if let sent = pingSentAt {
            if lastReceive <= sent {
                return .lost("the peer did not answer a keep-alive ping within \(policy.timeout)")
            }
            pingSentAt = nil
        }
        let quiet = now - lastReceive
        guard quiet >= interval else { return .wait(.nanoseconds(interval - quiet)) }
        pingSentAt = now
        pings += 1
        return .ping(Self.payloadBase | pings & 0xffff_ffff, policy.timeout)
    }
}
