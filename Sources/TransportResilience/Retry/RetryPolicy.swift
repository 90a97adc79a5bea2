internal import NodeTransport

/// When an operation that failed is tried again.
///
/// ```swift
/// var policy = RetryPolicy.default
/// policy.attempts = Attempts(retries: 2)
/// policy.retryable.append(.type(DatabaseBusy.self, backoff: .constant(.milliseconds(20))))
/// ```
public struct RetryPolicy: Sendable {
    /// How often to try in all.
    public var attempts: Attempts

    /// The delays for errors whose class has none of its own.
    public var backoff: Backoff

    /// The errors that are worth another attempt; the first class that contains an error decides.
    public var retryable: [RetryableErrors]

    /// The longest wait that a server may ask for (`grpc-retry-pushback-ms`); a longer one ends the attempts.
    public var maximumPushback: Duration

    public init(
        attempts: Attempts = Attempts(retries: 4), backoff: Backoff = Backoff(),
        retryable: [RetryableErrors] = RetryPolicy.defaultRetryable, maximumPushback: Duration = .seconds(60)
    ) {
        self.attempts = attempts
        self.backoff = backoff
        self.retryable = retryable
        self.maximumPushback = maximumPushback
    }

    /// 5 attempts; 100 ms, doubled each time, at most 5 s, with full jitter; ``defaultRetryable`` errors.
    public static let `default` = RetryPolicy()

    /// One attempt.
    public static let never = RetryPolicy(attempts: .once, retryable: [])

    /// `unavailable`; `deadlineExceeded`, which helps only
    /// where an attempt has a shorter deadline than the whole; and, from 1 s on,
    /// `resourceExhausted` of a peer — of one's own it means a message over the limit,
    /// which no retry makes smaller.
    public static let defaultRetryable: [RetryableErrors] = [
        .codes([.unavailable, .deadlineExceeded]),
        RetryableErrors(backoff: Backoff(initialDelay: .seconds(1))) { error in
            guard let error = error as? TransportError else { return false }
            return error.code == .resourceExhausted && error.origin != .local
        },
    ]
}
