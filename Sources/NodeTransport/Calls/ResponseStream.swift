/// The server's messages, as a client reads them; reading slowly slows the server.
///
/// Letting go of the stream before its end cancels the call.
public struct ResponseStream<Response: Sendable>: AsyncSequence, Sendable {
    let call: any ClientCall
    let codec: Codec<Response>

    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: ResponseStream

        /// The next message; `nil` once the call has ended with ``StatusCode/ok``.
        public func next() async throws -> Response? { try await stream.next() }

        /// The next message, read on the caller's actor.
        public func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Response? {
            try await stream.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    /// The next message; `nil` once the call has ended with ``StatusCode/ok``.
    ///
    /// - Throws: ``TransportError`` with the call's status.
    public func next() async throws -> Response? {
        guard let bytes = try await call.receive() else { return nil }
        do {
            return try decoded(codec.decode, bytes)
        } catch {
            call.cancel()
            throw error
        }
    }

    /// What the server sent before its first message; waits for it.
    public func initialMetadata() async throws -> Metadata { try await call.initialMetadata() }

    /// What came with the status; empty before the end.
    public var trailers: Metadata { call.trailers }

    /// Cancels the call.
    public func cancel() { call.cancel() }

    /// The single message of a method whose server sends one.
    func only() async throws -> Response {
        guard let response = try await next() else {
            throw TransportError(.internal, "the server ended the call without a response", origin: .remote)
        }
        guard try await call.receive() == nil else {
            call.cancel()
            throw TransportError(.internal, "the server sent a second response", origin: .remote)
        }
        return response
    }
}

/// The client's messages, as a client writes them.
public struct RequestWriter<Request: Sendable>: Sendable {
    let call: any ClientCall
    let codec: Codec<Request>

    /// Sends one message, and returns when there is room for the next.
    ///
    /// - Throws: ``TransportError`` when the call has ended.
    public func send(_ request: Request) async throws { try await call.send(try encoded(codec.encode, request)) }

    /// Sends one message; `false` when the server has answered and takes no more.
    func isTaken(_ request: Request) async throws -> Bool {
        do {
            try await send(request)
            return true
        } catch let error as TransportError where error.isAnswer {
            return false
        }
    }

    /// Says that no further message follows (half-close).
    public func finish() async throws { try await call.finishSending() }
}

/// A call under way in which both sides may send many messages.
public struct BidirectionalCall<Request: Sendable, Response: Sendable>: Sendable {
    public let requests: RequestWriter<Request>
    public let responses: ResponseStream<Response>

    /// Cancels the call; the server's handler is cancelled too.
    public func cancel() { responses.cancel() }
}

/// A call under way in which the client sends many messages and the server one.
public struct ClientStreamingCall<Request: Sendable, Response: Sendable>: Sendable {
    public let requests: RequestWriter<Request>
    let responses: ResponseStream<Response>

    /// Half-closes if that has not been done, and waits for the response.
    ///
    /// - Throws: ``TransportError`` with the call's status.
    public func response() async throws -> Response {
        // When the server has answered early, half-closing fails, and what it answered is read below.
        try? await requests.finish()
        return try await responses.only()
    }

    /// What the server sent before its response; waits for it.
    public func initialMetadata() async throws -> Metadata { try await responses.initialMetadata() }

    /// What came with the status; empty before the end.
    public var trailers: Metadata { responses.trailers }

    /// Cancels the call; the server's handler is cancelled too.
    public func cancel() { responses.cancel() }
}
