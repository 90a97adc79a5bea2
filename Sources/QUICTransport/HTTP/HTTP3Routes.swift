/// What a listener answers to requests that are not gRPC.
///
/// ```swift
/// var routes = HTTP3Routes()
/// routes["/poh_ack"] = { request in HTTP3Response(text: request.query("id") ?? "") }
/// routes.stream("/copy") { _, body in HTTP3StreamedResponse(body: HTTP3Body(body)) }
/// ```
///
/// A handler runs on its connection's event loop, and must not block it. It serves every method: `request.method` says
/// which, and the content of the answer to a HEAD is left out. What it throws is answered with 500. A client that gives
/// its request up, or whose connection ends, cancels the handler's task.
public struct HTTP3Routes: Sendable {
    /// Has the whole request, of at most ``QUICTransport/Configuration/maximumReceiveMessageBytes``; a larger one is
    /// answered with 413.
    public typealias Handler = @Sendable (HTTP3Request) async throws -> HTTP3Response

    /// Reads the request's body as it comes, of any length; ``HTTP3Request/body`` is empty.
    public typealias StreamHandler = @Sendable (HTTP3Request, HTTP3BodyReader) async throws -> HTTP3StreamedResponse

    enum Route: Sendable {
        case whole(Handler)
        case streamed(StreamHandler)
    }

    private var table: [String: Route] = [:]

    public init() {}

    /// The handler for a path, without the query; `nil` where there is none, or one that streams.
    public subscript(path: String) -> Handler? {
        get { if case .whole(let handler) = table[path] { handler } else { nil } }
        set { table[path] = newValue.map(Route.whole) }
    }

    /// Serves `path`, without the query, by a handler that reads and writes bodies in pieces.
    ///
    /// The rest of a request that the handler lets go of unread is not wanted any more, and the client is told so.
    public mutating func stream(_ path: String, _ handler: @escaping StreamHandler) { table[path] = .streamed(handler) }

    var isEmpty: Bool { table.isEmpty }

    func route(_ path: String) -> Route? { table[path] }
}
