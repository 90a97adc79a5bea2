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

    /// How long one attempt at a unary call may take; `nil` leaves it the call's whole deadline. At most a day.
    ///
    /// Over a channel (`balanced`, `reconnecting`) it counts from when the attempt is sent to a peer: waiting for one to be
    /// ready is bounded by the call's deadline alone, for a retry would only wait as well. An attempt that the channel
    /// itself sends to another peer, the first not having seen it, has its time anew. Without a channel beneath, or where
    /// a `Connection` that is not this library's hides it, it counts from when the attempt begins.
    ///
    /// Over a transport only: streams, and `withRetry`, whose body sets its own deadlines, do not heed it.
    public var perAttemptTimeout: Duration?

    /// How much of a stream's messages is kept to be sent again, in bytes; each message counts 32 more. A stream that
    /// sends more is not retried any longer. Over a transport only.
    public var maximumReplayBytes: Int

    /// Whether a call that the wire proves not to have reached the peer's handler is sent again at once, one time,
    /// whatever its class and the budget ("transparent retry", gRFC A6). Over a transport only.
    public var retriesTransparently: Bool

    public init(
        attempts: Attempts = Attempts(retries: 4), backoff: Backoff = Backoff(),
        retryable: [RetryableErrors] = RetryPolicy.defaultRetryable, maximumPushback: Duration = .seconds(60),
        perAttemptTimeout: Duration? = nil, maximumReplayBytes: Int = 262_144, retriesTransparently: Bool = true
    ) {
        self.attempts = attempts
        self.backoff = backoff
        self.retryable = retryable
        self.maximumPushback = maximumPushback
        self.perAttemptTimeout = perAttemptTimeout
        self.maximumReplayBytes = maximumReplayBytes
        self.retriesTransparently = retriesTransparently
    }

    /// 5 attempts; 100 ms, doubled each time, at most 5 s, with full jitter; ``defaultRetryable`` errors.
    public static let `default` = RetryPolicy()

    /// One attempt.
    public static let never = RetryPolicy(attempts: .once, retryable: [], retriesTransparently: false)

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
