/// Lets a channel ask its resolver for an early look-up. Requests that come while one waits are one.
public final class ResolutionRequests: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    public init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Asks.
    public func request() { continuation.yield() }

    /// Each request, for one reader at a time.
    public var requests: AsyncStream<Void> { stream }
}
