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

/// A response whose content is written in pieces: what a handler of ``HTTP3Routes/stream(_:_:)`` answers.
public struct HTTP3StreamedResponse: Sendable {
    /// 200...599. A response with 204 or 304 has no content, whatever ``body`` is (RFC 9110 §6.4.1).
    public var status: Int
    public var headers: [HTTP3Request.Header]
    public var body: HTTP3Body

    public init(status: Int = 200, headers: [HTTP3Request.Header] = [], body: HTTP3Body = HTTP3Body()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The same, in one piece.
    public init(_ response: HTTP3Response) {
        self.init(status: response.status, headers: response.headers, body: HTTP3Body(response.body))
    }
}

/// The head of a response, and its content as it comes.
///
/// Letting go of ``body`` before its end cancels the request.
public struct HTTP3ReceivedResponse: Sendable {
    public let status: Int
    public let headers: [HTTP3Request.Header]
    public let body: HTTP3BodyReader
}
