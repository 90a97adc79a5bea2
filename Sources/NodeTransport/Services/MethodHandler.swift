/// A method together with the code that serves it.
///
/// Made by ``Method``'s `handle` functions; transports call ``body``.
public struct MethodHandler: Sendable {
    /// Where a handler runs.
    public enum Execution: Sendable, Hashable {
        /// On the connection's event loop: for handlers that compute little and otherwise wait. The
        /// fastest way, but a handler that blocks stops every connection of its loop.
        case eventLoop
        /// On the global concurrent executor: for handlers that compute for more than a fraction of a
        /// millisecond or call something that blocks.
        case concurrent
    }

    /// Makes the response out of the request.
    public typealias UnaryBody = nonisolated(nonsending) @Sendable (Bytes, ServerContext) async throws -> Bytes
    /// Reads and writes messages through the context's call.
    public typealias StreamBody = nonisolated(nonsending) @Sendable (ServerContext) async throws -> Void

    /// The code, in bytes.
    public enum Body: Sendable {
        /// One request, one response.
        case unary(UnaryBody)
        /// Everything else.
        case stream(StreamBody)
    }

    public let name: MethodName
    public let shape: RPCShapeKind
    public var execution: Execution
    public var body: Body
    /// Whether running the handler twice does what running it once does; as the ``Method`` says.
    public var isIdempotent: Bool

    public init(
        name: MethodName, shape: RPCShapeKind, execution: Execution, body: Body, isIdempotent: Bool = false
    ) {
        self.isIdempotent = isIdempotent
        self.name = name
        self.shape = shape
        self.execution = execution
        self.body = body
    }
}
