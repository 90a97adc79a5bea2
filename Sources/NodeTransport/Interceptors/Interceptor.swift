/// Sees each call that a client makes, before and after the transport does: for authentication,
/// metrics, tracing, logging.
public protocol ClientInterceptor: Sendable {
    /// The rest of the way for a unary call.
    typealias UnaryNext = nonisolated(nonsending) (CallHead, Bytes) async throws -> UnaryReply
    /// The rest of the way for a streaming call.
    typealias StreamNext = nonisolated(nonsending) (CallHead) async throws -> any ClientCall

    /// Wraps a unary call; calls `next` once, or not at all to answer by itself.
    func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply

    /// Wraps the beginning of a streaming call; may wrap the ``ClientCall`` that `next` returns.
    func stream(_ head: CallHead, next: StreamNext) async throws -> any ClientCall
}

extension ClientInterceptor {
    public func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
        try await next(head, request)
    }

    public func stream(_ head: CallHead, next: StreamNext) async throws -> any ClientCall { try await next(head) }
}

/// Sees each call that a server serves, around its handler.
public protocol ServerInterceptor: Sendable {
    /// The rest of the way for a unary call.
    typealias UnaryNext = nonisolated(nonsending) (Bytes, ServerContext) async throws -> Bytes
    /// The rest of the way for a streaming call.
    typealias StreamNext = nonisolated(nonsending) (ServerContext) async throws -> Void

    /// Wraps a unary handler; calls `next` once, or throws to refuse the call.
    func unary(_ request: Bytes, _ context: ServerContext, next: UnaryNext) async throws -> Bytes

    /// Wraps a streaming handler; may give `next` a context around another ``ServerCall``.
    func stream(_ context: ServerContext, next: StreamNext) async throws
}

extension ServerInterceptor {
    public func unary(_ request: Bytes, _ context: ServerContext, next: UnaryNext) async throws -> Bytes {
        try await next(request, context)
    }

    public func stream(_ context: ServerContext, next: StreamNext) async throws { try await next(context) }
}

extension Transport {
    /// This transport with interceptors around every call; the first in each list is the outermost.
    public func intercepted(
        client: [any ClientInterceptor] = [], server: [any ServerInterceptor] = []
    ) -> some Transport {
        InterceptedTransport(base: self, client: client, server: server)
    }
}
