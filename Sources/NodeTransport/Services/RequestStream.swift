/// The client's messages, as a handler reads them; reading slowly slows the client.
public struct RequestStream<Request: Sendable>: AsyncSequence, Sendable {
    let call: any ServerCall
    let codec: Codec<Request>

    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: RequestStream

        /// The next message; `nil` once the client has half-closed.
        public func next() async throws -> Request? { try await stream.next() }

        /// The next message, read on the caller's actor.
        public func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Request? {
            try await stream.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    /// The next message; `nil` once the client has half-closed.
    public func next() async throws -> Request? {
        guard let bytes = try await call.receive() else { return nil }
        return try decoded(codec.decode, bytes)
    }

    /// The single message of a method whose clients send one.
    func only() async throws -> Request {
        guard let request = try await next() else {
            throw TransportError(.unimplemented, "\(call.head.method) takes one request, none was sent")
        }
        guard try await call.receive() == nil else {
            throw TransportError(.unimplemented, "\(call.head.method) takes one request, more were sent")
        }
        return request
    }
}

/// The server's messages, as a handler writes them.
public struct ResponseWriter<Response: Sendable>: Sendable {
    let call: any ServerCall
    let codec: Codec<Response>

    /// Sends one message, and returns when there is room for the next.
    ///
    /// - Throws: ``TransportError`` when the call has ended, for example because the client cancelled it.
    public func send(_ response: Response) async throws {
        try await call.send(try encoded(codec.encode, response))
    }
}
