public import NodeTransport

/// A plain HTTP/3 request.
public struct HTTP3Request: Sendable {
    /// A header field; names are in lower case.
    public typealias Header = (name: String, value: String)

    public var method: String
    /// With the query: `/poh_ack?id=123`.
    public var path: String
    public var headers: [Header]
    public var body: Bytes
    /// Who asks, on a server with mutual TLS.
    public internal(set) var peer: PeerIdentity?

    public init(method: String = "GET", path: String, headers: [Header] = [], body: Bytes = Bytes()) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }

    /// The path without the query.
    public var route: String { String(path.prefix { $0 != "?" }) }

    /// The first value of `name` in the query, percent-decoded; `nil` without one.
    public func query(_ name: String) -> String? {
        guard let start = path.firstIndex(of: "?") else { return nil }
        for pair in path[path.index(after: start)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if decoded(parts[0]) == name { return parts.count > 1 ? decoded(parts[1]) : "" }
        }
        return nil
    }

    private func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, let value = UInt8(Substring(digits), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A plain HTTP/3 response.
public struct HTTP3Response: Sendable {
    /// 200...599.
    public var status: Int
    public var headers: [HTTP3Request.Header]
    public var body: Bytes

    public init(status: Int = 200, headers: [HTTP3Request.Header] = [], body: Bytes = Bytes()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A line of text.
    public init(status: Int = 200, text: String) {
        self.init(status: status, headers: [("content-type", "text/plain; charset=utf-8")], body: Bytes(utf8: text))
    }
}

/// What a listener answers to requests that are not gRPC: `routes["/poh_ack"] = { request in … }`.
///
/// A handler runs on its connection's event loop, and must not block it. What it throws is answered with 500.
public struct HTTP3Routes: Sendable {
    public typealias Handler = @Sendable (HTTP3Request) async throws -> HTTP3Response

    private var handlers: [String: Handler] = [:]

    public init() {}

    /// The handler for a path, without the query.
    public subscript(path: String) -> Handler? {
        get { handlers[path] }
        set { handlers[path] = newValue }
    }

    var isEmpty: Bool { handlers.isEmpty }
}
