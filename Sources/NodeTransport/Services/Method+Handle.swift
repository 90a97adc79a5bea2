extension Method where Shape == Unary {
    /// Serves this method with `body`.
    ///
    /// - Parameters:
    ///   - execution: Where `body` runs.
    ///   - body: Makes the response; an error it throws becomes the call's status, ``TransportError`` as it is and
    ///     any other error as ``StatusCode/unknown``.
    public func handle(
        on execution: MethodHandler.Execution = .eventLoop,
        _ body: nonisolated(nonsending) @escaping @Sendable (Request, ServerContext) async throws -> Response
    ) -> MethodHandler {
        let decode = requestCodec.decode
        let encode = responseCodec.encode
        return MethodHandler(
            name: name, shape: .unary, execution: execution,
            body: .unary { bytes, context in
                try encoded(encode, try await body(try decoded(decode, bytes), context))
            }, isIdempotent: isIdempotent)
    }
}

extension Method where Shape == ServerStream {
    /// Serves this method with `body`, which writes as many responses as it likes.
    public func handle(
        on execution: MethodHandler.Execution = .eventLoop,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (Request, ResponseWriter<Response>, ServerContext) async throws
            -> Void
    ) -> MethodHandler {
        let (requestCodec, responseCodec) = (requestCodec, responseCodec)
        return MethodHandler(
            name: name, shape: .serverStream, execution: execution,
            body: .stream { context in
                let requests = RequestStream(call: context.call, codec: requestCodec)
                try await body(
                    try await requests.only(), ResponseWriter(call: context.call, codec: responseCodec), context)
            }, isIdempotent: isIdempotent)
    }
}

extension Method where Shape == ClientStream {
    /// Serves this method with `body`, which reads the requests and returns the response.
    public func handle(
        on execution: MethodHandler.Execution = .eventLoop,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (RequestStream<Request>, ServerContext) async throws -> Response
    ) -> MethodHandler {
        let (requestCodec, responseCodec) = (requestCodec, responseCodec)
        return MethodHandler(
            name: name, shape: .clientStream, execution: execution,
            body: .stream { context in
                let response = try await body(RequestStream(call: context.call, codec: requestCodec), context)
                try await ResponseWriter(call: context.call, codec: responseCodec).send(response)
            }, isIdempotent: isIdempotent)
    }
}

extension Method where Shape == Bidirectional {
    /// Serves this method with `body`, which reads requests and writes responses in any order.
    public func handle(
        on execution: MethodHandler.Execution = .eventLoop,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (
                RequestStream<Request>, ResponseWriter<Response>, ServerContext
            ) async throws -> Void
    ) -> MethodHandler {
        let (requestCodec, responseCodec) = (requestCodec, responseCodec)
        return MethodHandler(
            name: name, shape: .bidirectional, execution: execution,
            body: .stream { context in
                try await body(
                    RequestStream(call: context.call, codec: requestCodec),
                    ResponseWriter(call: context.call, codec: responseCodec), context)
            }, isIdempotent: isIdempotent)
    }
}

/// Encodes, and turns what a codec throws into ``StatusCode/internal``.
func encoded<Message>(_ encode: (Message) throws -> Bytes, _ message: Message) throws(TransportError) -> Bytes {
    do {
        return try encode(message)
    } catch {
        throw TransportError(.internal, "the message could not be encoded", cause: error)
    }
}

/// Decodes, and turns what a codec throws into ``StatusCode/internal``.
func decoded<Message>(_ decode: (Bytes) throws -> Message, _ bytes: Bytes) throws(TransportError) -> Message {
    do {
        return try decode(bytes)
    } catch {
        throw TransportError(.internal, "the message could not be decoded", cause: error)
    }
}
