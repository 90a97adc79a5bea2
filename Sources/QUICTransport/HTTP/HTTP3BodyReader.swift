public import NodeTransport

/// The content of a message, in pieces as they come; reading slowly slows the sender.
///
/// What comes is kept up to the stream's window (``QUICTransport/Configuration/maximumStreamWindowBytes`` at most), then the
/// sender has to wait. There is one reader: of two who wait at a time the second fails. Letting go of it, and of its
/// iterators, before the end tells the sender to stop: a client cancels its request, a server takes no more of it.
public struct HTTP3BodyReader: AsyncSequence, Sendable {
    /// Whoever holds the body.
    private final class Hold: Sendable {
        let exchange: HTTP3Exchange

        init(_ exchange: HTTP3Exchange) { self.exchange = exchange }

        deinit { exchange.letGo() }
    }

    private let hold: Hold
    /// The `content-length`, where the sender has said it. A message that has more or less is malformed, and fails.
    public let length: Int?

    init(_ exchange: HTTP3Exchange, length: Int?) {
        hold = Hold(exchange)
        self.length = length
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let body: HTTP3BodyReader

        /// The next piece, never an empty one; `nil` at the end.
        public func next() async throws -> Bytes? { try await body.next() }

        /// The next piece, read on the caller's actor.
        public func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Bytes? {
            try await body.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

    /// The next piece, never an empty one; `nil` at the end.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` when the message does not come to its end, and
    ///   ``/NodeTransport/StatusCode/cancelled`` when the task is cancelled, which cancels a client's request.
    public func next() async throws -> Bytes? { try await hold.exchange.nextPiece() }

    /// The rest of the content as a whole.
    ///
    /// - Throws: as ``next()``, and ``/NodeTransport/StatusCode/resourceExhausted`` when there are more than `limitBytes`.
    public func collect(upTo limitBytes: Int) async throws -> Bytes {
        let limitBytes = Swift.max(limitBytes, 0)
        return try await hold.exchange.collect(upTo: limitBytes, declared: length)
    }

    /// The fields that came behind the content: all of them once its end was read.
    public var trailers: [HTTP3Request.Header] { hold.exchange.trailers }

    /// Wants no more of it, as letting go does.
    public func cancel() { hold.exchange.letGo() }
}
