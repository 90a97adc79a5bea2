internal import NodeTransport

/// Decides after each failed attempt what to do; pure.
///
/// An error is tried again when all of this holds, in this order: it is no cancellation; the policy has a class for
/// it; the operation is idempotent or the peer has not seen it; attempts are left; the server does not forbid it; the
/// deadline is further away than the delay.
///
/// Before all that, and once, comes the transparent retry where it is allowed: at once, for any call that the wire proves
/// the peer has not seen; it counts as no attempt (gRFC A6).
struct RetryMachine {
    enum Decision: Equatable {
        case retry(after: Duration)
        case retryTransparently
        case giveUp(Reason)
    }

    enum Reason: String, Equatable {
        case cancelled = "it was cancelled"
        case notRetryable = "the error is not worth a retry"
        case mayHaveBeenProcessed = "the peer may have processed it, and it is not idempotent"
        case attemptsUsedUp = "no attempts are left"
        case forbiddenByServer = "the server asks not to retry"
        case budgetUsedUp = "the retry budget is used up"
        case connectionOver = "the connection takes no more calls"
        case outOfTime = "the deadline comes before the next attempt"
    }

    let policy: RetryPolicy
    let isIdempotent: Bool
    let deadline: Deadline?

    /// The attempt under way, from 1.
    private(set) var attempt = 1
    /// The retries since the server last named a delay; it begins the back-off anew (gRFC A6).
    private var retriesInBackoff = 0
    private var mayRetryTransparently: Bool

    init(policy: RetryPolicy, isIdempotent: Bool, deadline: Deadline?, allowsTransparentRetry: Bool = false) {
        self.policy = policy
        self.isIdempotent = isIdempotent
        self.deadline = deadline
        mayRetryTransparently = allowsTransparentRetry && policy.retriesTransparently
    }

    /// The attempt under way has failed.
    ///
    /// - Parameter chance: A random number within 0..<1.
    mutating func failed(with error: any Error, now: ContinuousClock.Instant, chance: Double) -> Decision {
        if error is CancellationError { return .giveUp(.cancelled) }
        if mayRetryTransparently, Self.isTransparent(error) {
            if let deadline, deadline.hasPassed(now: now) { return .giveUp(.outOfTime) }
            mayRetryTransparently = false
            return .retryTransparently
        }
        guard let errors = policy.retryable.first(where: { $0.contains(error) }) else { return .giveUp(.notRetryable) }
        let transportError = error as? TransportError
        guard isIdempotent || transportError?.processing == .notProcessed else {
            return .giveUp(.mayHaveBeenProcessed)
        }
        guard attempt < policy.attempts.count else { return .giveUp(.attemptsUsedUp) }
        let delay: Duration
        if let pushback = transportError.flatMap({ RetryPushback($0.metadata) }) {
            guard case .wait(let asked) = pushback, asked <= policy.maximumPushback else {
                return .giveUp(.forbiddenByServer)
            }
            delay = asked
            retriesInBackoff = 0
        } else {
            retriesInBackoff += 1
            delay = (errors.backoff ?? policy.backoff).delay(beforeRetry: retriesInBackoff, chance: chance)
        }
        if let deadline, deadline.remaining(now: now) <= delay { return .giveUp(.outOfTime) }
        attempt += 1
        return .retry(after: delay)
    }

    /// Whether it is the wire that says that the peer has not seen the call; what this side has refused would be refused
    /// again.
    private static func isTransparent(_ error: any Error) -> Bool {
        guard let error = error as? TransportError else { return false }
        return error.processing == .notProcessed && error.origin != .local && error.code != .cancelled
            && RetryPushback(error.metadata) == nil
    }
}
