internal import NodeTransport

/// Decides after each failed attempt what to do; pure.
///
/// An error is tried again when all of this holds, in this order: it is no cancellation; the policy has a class for
/// it; the operation is idempotent or the peer has not seen it; attempts are left; the server does not forbid it; the
/// deadline is further away than the delay.
struct RetryMachine {
    enum Decision: Equatable {
        case retry(after: Duration)
        case giveUp(Reason)
    }

    enum Reason: String, Equatable {
        case cancelled = "it was cancelled"
        case notRetryable = "the error is not worth a retry"
        case mayHaveBeenProcessed = "the peer may have processed it, and it is not idempotent"
        case attemptsUsedUp = "no attempts are left"
        case forbiddenByServer = "the server asks not to retry"
        case outOfTime = "the deadline comes before the next attempt"
    }

    let policy: RetryPolicy
    let isIdempotent: Bool
    let deadline: Deadline?

    /// The attempt under way, from 1.
    private(set) var attempt = 1
    /// The retries since the server last named a delay; it begins the back-off anew (gRFC A6).
    private var retriesInBackoff = 0

    init(policy: RetryPolicy, isIdempotent: Bool, deadline: Deadline?) {
        self.policy = policy
        self.isIdempotent = isIdempotent
        self.deadline = deadline
    }

    /// The attempt under way has failed.
    ///
    /// - Parameter chance: A random number within 0..<1.
    mutating func failed(with error: any Error, now: ContinuousClock.Instant, chance: Double) -> Decision {
        if error is CancellationError { return .giveUp(.cancelled) }
        guard let errors = policy.retryable.first(where: { $0.contains(error) }) else { return .giveUp(.notRetryable) }
        let transportError = error as? TransportError
        guard isIdempotent || transportError?.processing == .notProcessed else {
            return .giveUp(.mayHaveBeenProcessed)
        }
        guard attempt < policy.attempts.count else { return .giveUp(.attemptsUsedUp) }
        let delay: Duration
        if let pushback = transportError?.metadata[text: "grpc-retry-pushback-ms"] {
            guard let asked = Self.milliseconds(pushback), asked <= policy.maximumPushback else {
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

    /// A number of milliseconds; `nil` when it is negative or no number, which forbids retries (gRFC A6).
    private static func milliseconds(_ text: String) -> Duration? {
        guard let number = Int32(text), number >= 0 else { return nil }
        return .milliseconds(Int(number))
    }
}
