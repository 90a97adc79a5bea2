/// An RPC method as a typed value: its name, its shape, how its messages become bytes, and whether
/// it may run twice.
///
/// ```swift
/// enum Echo {
///     static let unary = Method<Unary, Bytes, Bytes>("echo.Echo", "Unary", request: .bytes, response: .bytes)
/// }
/// let answer = try await connection.call(Echo.unary, question)
/// ```
public struct Method<Shape: RPCShape, Request: Sendable, Response: Sendable>: Sendable {
    public let name: MethodName
    public let requestCodec: Codec<Request>
    public let responseCodec: Codec<Response>
    /// Whether running a call twice does what running it once does; retry policies ask.
    public let isIdempotent: Bool

    public init(
        _ name: MethodName, request: Codec<Request>, response: Codec<Response>, isIdempotent: Bool = false
    ) {
        self.name = name
        requestCodec = request
        responseCodec = response
        self.isIdempotent = isIdempotent
    }

    public init(
        _ service: StaticString, _ method: StaticString, request: Codec<Request>, response: Codec<Response>,
        isIdempotent: Bool = false
    ) {
        self.init(MethodName(service, method), request: request, response: response, isIdempotent: isIdempotent)
    }
}
