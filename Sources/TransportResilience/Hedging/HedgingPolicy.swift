public import NodeTransport

/// When further copies of a call are sent while the first has no answer yet (gRFC A6, "Hedging").
///
/// Every combination of values is valid: the initializer brings each into its range.
public struct HedgingPolicy: Sendable, Hashable {
    /// How many copies there are at most, the first included.
    public let copies: Int
    /// How long after one copy the next is sent, while none has an answer.
    public let delay: Duration
    /// Errors that do not end the call: after one of them the next copy is sent at once.
    public let nonFatalCodes: Set<StatusCode>
    /// The longest wait that a server may ask for (`grpc-retry-pushback-ms`); a longer one ends the copies.
    public let maximumPushback: Duration

    /// - Parameters:
    ///   - copies: 2...5.
    ///   - delay: Zero to a day.
    ///   - nonFatalCodes: Errors that do not end the call.
    ///   - maximumPushback: Zero to a day.
    public init(
        copies: Int = 2, delay: Duration, nonFatalCodes: Set<StatusCode> = [.unavailable, .resourceExhausted],
        maximumPushback: Duration = .seconds(60)
    ) {
        self.copies = min(max(copies, 2), 5)
        self.delay = min(max(delay, .zero), .seconds(86_400))
        self.nonFatalCodes = nonFatalCodes
        self.maximumPushback = min(max(maximumPushback, .zero), .seconds(86_400))
    }
}
