import HTTP3Engine
import Testing

@Suite("Malformed messages end their stream")
struct MalformedMessageTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var code = HTTP3ErrorCode.messageError

        var testDescription: String { name }

        init(_ name: String, _ bytes: [UInt8], code: HTTP3ErrorCode = .messageError) {
            self.name = name
            self.bytes = bytes
            self.code = code
        }

        /// A request with another field behind a valid section.
        init(_ name: String, adding field: (String, String)) { self.init(name, Raw.headers(Raw.get + [field])) }
    }

    private static let post = [
        (":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "node-7.example"),
    ]

    static let requests: [Case] = [
        Case("no method", Raw.headers(Array(Raw.get.dropFirst()))),
        Case("no scheme", Raw.headers(Raw.get.filter { $0.0 != ":scheme" })),
        Case("no path", Raw.headers(Raw.get.filter { $0.0 != ":path" })),
        Case("no authority", Raw.headers(Raw.get.filter { $0.0 != ":authority" })),
        Case("an empty path", Raw.headers(Raw.get.map { $0.0 == ":path" ? ($0.0, "") : $0 })),
        Case("a path without slash", Raw.headers(Raw.get.map { $0.0 == ":path" ? ($0.0, "x") : $0 })),
        Case("an empty authority", Raw.headers(Raw.get.map { $0.0 == ":authority" ? ($0.0, "") : $0 })),
        Case("another host", adding: ("host", "other.example")),
        Case("a method twice", adding: (":method", "GET")),
        Case("a status", Raw.headers([(":status", "200")] + Raw.get)),
        Case("an unknown pseudo-header field", Raw.headers([(":colour", "red")] + Raw.get)),
        Case("extended CONNECT", Raw.headers([(":protocol", "websocket")] + Raw.get)),
        Case("CONNECT with a path", Raw.headers(Raw.get.map { $0.0 == ":method" ? ($0.0, "CONNECT") : $0 })),
        Case("a pseudo-header field behind a regular one", Raw.headers([("x", "y")] + Raw.get)),
        Case("upper case", adding: ("X-Loud", "y")),
        Case("a blank in a name", adding: ("x y", "z")),
        Case("an empty name", adding: ("", "z")),
        Case("a line feed in a value", adding: ("x", "y\nz")),
        Case("a carriage return in a value", adding: ("x", "y\r")),
        Case("NUL in a value", adding: ("x", "y\0")),
        Case("a leading blank in a value", adding: ("x", " y")),
        Case("a trailing blank in a value", adding: ("x", "y\t")),
        Case("connection", adding: ("connection", "close")),
        Case("keep-alive", adding: ("keep-alive", "1")),
        Case("proxy-connection", adding: ("proxy-connection", "close")),
        Case("transfer-encoding", adding: ("transfer-encoding", "chunked")),
        Case("upgrade", adding: ("upgrade", "h2c")),
        Case("te: gzip", adding: ("te", "gzip")),
        Case("a content-length that is no number", adding: ("content-length", "-1")),
        Case("two content-lengths", Raw.headers(Raw.get + [("content-length", "1"), ("content-length", "2")])),
        Case(
            "a byte over ASCII in a name",
            Raw.headers(bytes: Raw.get.map { (Array($0.0.utf8), Array($0.1.utf8)) } + [([0xc3, 0xa4], [])])),
        Case("a pseudo-header field in trailers", Raw.headers(post) + Raw.data("x") + Raw.headers([(":path", "/")])),
        Case("a forbidden trailer", Raw.headers(post) + Raw.headers([("connection", "close")])),
        Case("more content than announced", Raw.headers(post + [("content-length", "3")]) + Raw.data("1234")),
        Case("less content than announced", Raw.headers(post + [("content-length", "3")]) + Raw.data("12")),
        Case("an empty section", Raw.headers([])),
        Case("no request at all", [], code: .requestIncomplete),
        Case("a frame of unknown type alone", Raw.frame(0x21, [1, 2, 3]), code: .requestIncomplete),
    ]

    @Test(arguments: requests)
    func `A malformed request ends its stream and no other`(example: Case) {
        let server = Peer(.server)
        server.receive(2, Raw.control)
        server.receive(0, example.bytes, isFinal: true)
        #expect(server.streams[0]?.failure == example.code)
        #expect(server.streams[0]?.isEnded == false)
        #expect(server.error == nil)
        server.receive(4, Raw.headers(Raw.get), isFinal: true)
        #expect(server.streams[4]?.isEnded == true)
    }

    static let responses: [Case] = [
        Case("no status", Raw.headers([("x", "y")])),
        Case("status 101", Raw.headers([(":status", "101")])),
        Case("a status of two digits", Raw.headers([(":status", "20")])),
        Case("a status that is no number", Raw.headers([(":status", "2x0")])),
        Case("a status twice", Raw.headers([(":status", "200"), (":status", "200")])),
        Case("a method", Raw.headers([(":status", "200"), (":method", "GET")])),
        Case("only an informational response", Raw.headers([(":status", "100")])),
        Case("content of a 204", Raw.headers([(":status", "204")]) + Raw.data("x")),
        Case(
            "less content than announced", Raw.headers([(":status", "200"), ("content-length", "3")]) + Raw.data("x")),
        Case("nothing at all", []),
    ]

    @Test(arguments: responses)
    func `A malformed response ends its stream and no other`(example: Case) throws {
        let client = Peer(.client)
        try client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        client.receive(3, Raw.control)
        client.receive(0, example.bytes, isFinal: true)
        #expect(client.streams[0]?.failure == example.code)
        #expect(client.error == nil)
        try client.engine.submitRequest(stream: 4, prepared: Fields.request(), isFinal: true)
    }

    @Test func `The answer to HEAD may announce content that it does not have`() throws {
        let client = Peer(.client)
        for id in [Int64(0), 4] {
            try client.engine.submitRequest(stream: id, prepared: Fields.request("/", method: "HEAD"), isFinal: true)
        }
        client.receive(0, Raw.headers([(":status", "200"), ("content-length", "3")]), isFinal: true)
        #expect(client.streams[0]?.isEnded == true)
        client.receive(4, Raw.headers([(":status", "200")]) + Raw.data("x"), isFinal: true)
        #expect(client.streams[4]?.failure == .messageError)
    }

    @Test func `What is well formed passes`() {
        let server = Peer(.server)
        server.receive(0, Raw.headers([(":method", "CONNECT"), (":authority", "node-7.example:1")]) + Raw.data("x"))
        server.receive(
            4, Raw.headers([(":method", "OPTIONS"), (":scheme", "https"), (":path", "*"), ("host", "h")]), isFinal: true
        )
        server.receive(8, Raw.headers(Raw.get + [("content-length", "0"), ("x", ""), ("y", "ä")]), isFinal: true)
        server.receive(12, Raw.headers([(":method", "GET"), (":scheme", "coap"), (":path", "x")]), isFinal: true)
        #expect(server.streams[0]?.content == [120])
        for id in [Int64(4), 8, 12] { #expect(server.streams[id]?.isEnded == true, "stream \(id)") }
    }
}
