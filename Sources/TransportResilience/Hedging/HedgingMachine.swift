internal import NodeTransport

/// Decides when the next copy of a call is sent, and when there is no hope left; pure.
struct HedgingMachine {
    private let policy: HedgingPolicy
    private let deadline: Deadline?
    /// The copies that were sent.
    private(set) var sentCount = 1
    /// Those of them that have no outcome yet.
    private(set) var pendingCount = 1
    /// When the next copy is sent; `nil` when there is none.
    private(set) var nextCopyAt: ContinuousClock.Instant?

    /// The first copy is sent.
    init(_ policy: HedgingPolicy, deadline: Deadline?, now: ContinuousClock.Instant) {
        self.policy = policy
        self.deadline = deadline
        schedule(now.advanced(by: policy.delay))
    }

    /// Whether the call has failed for good.
    var isOver: Bool { pendingCount == 0 && nextCopyAt == nil }

    /// Whether a copy is to be sent now; then either ``sent(now:)`` or ``stop()`` follows.
    func isDue(now: ContinuousClock.Instant) -> Bool { nextCopyAt.map { $0 <= now } ?? false }

    /// A copy was sent.
    mutating func sent(now: ContinuousClock.Instant) {
        sentCount += 1
        pendingCount += 1
        schedule(now.advanced(by: policy.delay))
    }

    /// There shall be no further copies.
    mutating func stop() { nextCopyAt = nil }

    /// A copy has failed; false when that ends the call.
    mutating func failed(with error: any Error, now: ContinuousClock.Instant) -> Bool {
        pendingCount -= 1
        guard let error = error as? TransportError, policy.nonFatalCodes.contains(error.code) else { return false }
        if let pushback = RetryPushback(error.metadata) {
            guard case .wait(let delay) = pushback, delay <= policy.maximumPushback else {
                stop()
                return !isOver
            }
            if nextCopyAt != nil { schedule(now.advanced(by: delay)) }
        } else if nextCopyAt != nil {
            schedule(now)
        }
        return !isOver
    }

    private mutating func schedule(_ instant: ContinuousClock.Instant) {
        let isInTime = deadline.map { instant < $0.instant } ?? true
        nextCopyAt = sentCount < policy.copies && isInTime ? instant : nil
    }
}
