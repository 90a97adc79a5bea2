import HTTP2Engine
import Testing

/// What a server does with input that RFC 9113 forbids.
@Suite struct MalformedInputTests {
    struct Case: CustomTestStringConvertible {
        enum Scope {
            case connection
            case stream
        }

        let testDescription: String
        let bytes: [UInt8]
        let code: HTTP2ErrorCode
        let scope: Scope

        init(_ description: String, _ code: HTTP2ErrorCode, _ scope: Scope, _ bytes: [UInt8]...) {
            testDescription = description
            self.code = code
            self.scope = scope
            self.bytes = bytes.flatMap(\.self)
        }
    }

    private static let open = Raw.headers(1, Raw.request)
    private static let ended = Raw.headers(1, Raw.request, endStream: true)

    private static let frames: [Case] = [
        Case("DATA on stream 0", .protocolError, .connection, Raw.data(0, [1])),
        Case("DATA on an idle stream", .protocolError, .connection, Raw.data(1, [1])),
        Case("DATA on a stream of the server", .protocolError, .connection, Raw.data(2, [1])),
        Case("DATA behind END_STREAM", .streamClosed, .stream, ended, Raw.data(1, [1])),
        Case(
            "padding longer than DATA", .protocolError, .connection, open,
            Raw.frame(0, flags: 8, stream: 1, [5, 1, 2])),
        Case("padded DATA without length", .protocolError, .connection, open, Raw.frame(0, flags: 8, stream: 1)),
        Case("HEADERS on stream 0", .protocolError, .connection, Raw.headers(0, Raw.request)),
        Case("HEADERS on an even stream", .protocolError, .connection, Raw.headers(2, Raw.request)),
        Case(
            "HEADERS on a lower stream", .protocolError, .connection, Raw.headers(5, Raw.request),
            Raw.headers(3, Raw.request)
        ),
        Case("HEADERS behind END_STREAM", .streamClosed, .stream, ended, Raw.headers(1, [("a", "b")], endStream: true)),
        Case(
            "HEADERS behind RST_STREAM", .streamClosed, .connection, open, Raw.reset(1, 8), Raw.headers(1, Raw.request)
        ),
        Case(
            "padding longer than HEADERS", .protocolError, .connection,
            Raw.frame(1, flags: 0xc, stream: 1, [200] + Raw.block(Raw.request))
        ),
        Case("padded HEADERS without length", .frameSizeError, .connection, Raw.frame(1, flags: 0xc, stream: 1)),
        Case(
            "HEADERS too short for its priority", .frameSizeError, .connection,
            Raw.frame(1, flags: 0x24, stream: 1, [0])),
        Case(
            "an index that does not exist", .compressionError, .connection,
            Raw.frame(1, flags: 4, stream: 1, [0xff, 0])),
        Case("a truncated block", .compressionError, .connection, Raw.frame(1, flags: 5, stream: 1, [0x82, 0x40])),
        Case("CONTINUATION without HEADERS", .protocolError, .connection, Raw.continuation(1, [], endHeaders: true)),
        Case(
            "CONTINUATION behind END_HEADERS", .protocolError, .connection, open,
            Raw.continuation(1, [], endHeaders: true)
        ),
        Case(
            "CONTINUATION of another stream", .protocolError, .connection,
            Raw.headers(1, Raw.request, endHeaders: false), Raw.continuation(3, [], endHeaders: true)
        ),
        Case(
            "a frame within a header block", .protocolError, .connection,
            Raw.headers(1, Raw.request, endHeaders: false), Raw.ping()
        ),
        Case(
            "an unknown frame within a header block", .protocolError, .connection,
            Raw.headers(1, Raw.request, endHeaders: false), Raw.frame(0xfa, stream: 1)
        ),
        Case("PRIORITY on stream 0", .protocolError, .connection, Raw.frame(2, [0, 0, 0, 0, 0])),
        Case("PRIORITY of 4 bytes", .frameSizeError, .stream, open, Raw.frame(2, stream: 1, [0, 0, 0, 0])),
        Case(
            "PRIORITY of 4 bytes on an idle stream", .frameSizeError, .connection,
            Raw.frame(2, stream: 1, [0, 0, 0, 0])),
        Case("RST_STREAM on stream 0", .protocolError, .connection, Raw.reset(0, 0)),
        Case("RST_STREAM on an idle stream", .protocolError, .connection, Raw.reset(1, 0)),
        Case("RST_STREAM of 5 bytes", .frameSizeError, .connection, open, Raw.frame(3, stream: 1, [0, 0, 0, 0, 0])),
        Case("SETTINGS on a stream", .protocolError, .connection, Raw.frame(4, stream: 1)),
        Case("SETTINGS of 5 bytes", .frameSizeError, .connection, Raw.frame(4, [0, 1, 0, 0, 0])),
        Case("a SETTINGS acknowledgement with content", .frameSizeError, .connection, Raw.frame(4, flags: 1, [0])),
        Case("ENABLE_PUSH of 2", .protocolError, .connection, Raw.settings([(2, 2)])),
        Case("INITIAL_WINDOW_SIZE of 2^31", .flowControlError, .connection, Raw.settings([(4, 1 << 31)])),
        Case("MAX_FRAME_SIZE of 16,383", .protocolError, .connection, Raw.settings([(5, 16_383)])),
        Case("MAX_FRAME_SIZE of 2^24", .protocolError, .connection, Raw.settings([(5, 1 << 24)])),
        Case("PUSH_PROMISE", .protocolError, .connection, open, Raw.frame(5, flags: 4, stream: 1, [0, 0, 0, 2, 0x82])),
        Case("PING on a stream", .protocolError, .connection, Raw.frame(6, stream: 1, [0, 0, 0, 0, 0, 0, 0, 0])),
        Case("PING of 7 bytes", .frameSizeError, .connection, Raw.ping([1, 2, 3, 4, 5, 6, 7])),
        Case("GOAWAY on a stream", .protocolError, .connection, Raw.frame(7, stream: 1, [0, 0, 0, 0, 0, 0, 0, 0])),
        Case("GOAWAY of 7 bytes", .frameSizeError, .connection, Raw.frame(7, [0, 0, 0, 0, 0, 0, 0])),
        Case("WINDOW_UPDATE by 0 on the connection", .protocolError, .connection, Raw.windowUpdate(0, 0)),
        Case("WINDOW_UPDATE by 0 on a stream", .protocolError, .stream, open, Raw.windowUpdate(1, 0)),
        Case("WINDOW_UPDATE on an idle stream", .protocolError, .connection, Raw.windowUpdate(1, 1)),
        Case("WINDOW_UPDATE of 3 bytes", .frameSizeError, .connection, Raw.frame(8, [0, 0, 1])),
        Case("a connection window over 2^31 − 1", .flowControlError, .connection, Raw.windowUpdate(0, 0x7fff_ffff)),
        Case("a stream window over 2^31 − 1", .flowControlError, .stream, open, Raw.windowUpdate(1, 0x7fff_ffff)),
        Case(
            "a stream window over 2^31 − 1 by SETTINGS", .flowControlError, .connection,
            open, Raw.windowUpdate(1, 0x7fff_0000), Raw.settings([(4, 0x7fff_ffff)])
        ),
        Case("a frame over MAX_FRAME_SIZE", .frameSizeError, .connection, open, [0, 0x40, 1, 0, 0, 0, 0, 0, 1]),
        Case(
            "a frame of unknown type over MAX_FRAME_SIZE", .frameSizeError, .connection,
            [0, 0x40, 1, 0xfa, 0, 0, 0, 0, 0]),
    ]

    private static func request(_ description: String, _ fields: [(String, String)]) -> Case {
        Case(description, .protocolError, .stream, Raw.headers(1, fields))
    }

    private static let pseudo = Array(Raw.request.prefix(4))

    private static let messages: [Case] = [
        request("no :method", Array(pseudo.dropFirst())),
        request("no :path", pseudo.filter { $0.0 != ":path" }),
        request("no :scheme", pseudo.filter { $0.0 != ":scheme" }),
        request("nothing", []),
        request("an empty :path", pseudo.filter { $0.0 != ":path" } + [(":path", "")]),
        request("two :method", pseudo + [(":method", "GET")]),
        request("two :path", pseudo + [(":path", "/")]),
        request("two :authority", pseudo + [(":authority", "x")]),
        request("an unknown pseudo-header field", pseudo + [(":protocol", "websocket")]),
        request("a response's pseudo-header field", pseudo + [(":status", "200")]),
        request("a pseudo-header field behind another", [("a", "b")] + pseudo),
        request("an upper-case name", pseudo + [("Key", "value")]),
        request("an empty name", pseudo + [("", "value")]),
        request("a blank in a name", pseudo + [("a b", "value")]),
        request("a colon in a name", pseudo + [("a:b", "value")]),
        request("a name that is not ASCII", pseudo + [("ä", "value")]),
        request("CR in a value", pseudo + [("a", "b\rc")]),
        request("LF in a value", pseudo + [("a", "b\nc")]),
        request("NUL in a value", pseudo + [("a", "b\0c")]),
        request("a value that begins with a blank", pseudo + [("a", " b")]),
        request("a value that ends with a tab", pseudo + [("a", "b\t")]),
        request("connection", pseudo + [("connection", "keep-alive")]),
        request("keep-alive", pseudo + [("keep-alive", "5")]),
        request("proxy-connection", pseudo + [("proxy-connection", "keep-alive")]),
        request("transfer-encoding", pseudo + [("transfer-encoding", "chunked")]),
        request("upgrade", pseudo + [("upgrade", "h2c")]),
        request("te other than trailers", pseudo + [("te", "trailers, deflate")]),
        request("a content-length that is no number", pseudo + [("content-length", "1x")]),
        request("an empty content-length", pseudo + [("content-length", "")]),
        request("a content-length out of range", pseudo + [("content-length", "99999999999999999999")]),
        request("two content-lengths", pseudo + [("content-length", "1"), ("content-length", "2")]),
        request("CONNECT with a :path", [(":method", "CONNECT"), (":authority", "a"), (":path", "/")]),
        Case(
            "END_STREAM against the content-length", .protocolError, .stream,
            Raw.headers(1, pseudo + [("content-length", "1")], endStream: true)
        ),
        Case(
            "less than the content-length", .protocolError, .stream,
            Raw.headers(1, pseudo + [("content-length", "5")]), Raw.data(1, [1, 2], endStream: true)
        ),
        Case(
            "more than the content-length", .protocolError, .stream,
            Raw.headers(1, pseudo + [("content-length", "1")]), Raw.data(1, [1, 2])
        ),
        Case(
            "trailers against the content-length", .protocolError, .stream,
            Raw.headers(1, pseudo + [("content-length", "1")]), Raw.headers(1, [("a", "b")], endStream: true)
        ),
        Case("trailers without END_STREAM", .protocolError, .stream, open, Raw.headers(1, [("a", "b")])),
        Case(
            "a pseudo-header field in trailers", .protocolError, .stream,
            open, Raw.headers(1, [(":path", "/")], endStream: true)
        ),
        Case(
            "an upper-case name in trailers", .protocolError, .stream, open,
            Raw.headers(1, [("A", "/")], endStream: true)
        ),
    ]

    @Test(arguments: frames + messages)
    func `a server answers with the right code, for the stream or the connection`(test: Case) {
        let server = TestEngine.server()
        server.receive(test.bytes)
        let answers = server.takeFrames()
        switch test.scope {
        case .connection:
            #expect(server.seen.last == .connectionFailed(test.code))
            #expect(answers.last?.type == 7)
            #expect(answers.last?.uint32(at: 4) == test.code.rawValue)
        case .stream:
            let resets = answers.filter { $0.type == 3 }
            #expect(resets.map { $0.uint32(at: 0) } == [test.code.rawValue])
            #expect(resets.first?.stream == 1)
            #expect(!server.seen.contains(.connectionFailed(test.code)))
            // The connection goes on.
            server.receive(Raw.headers(9, Raw.request, endStream: true))
            #expect(server.handles[9] != nil)
        }
    }

    @Test(arguments: frames + messages)
    func `it makes no difference when the bytes come one by one`(test: Case) {
        let (whole, pieces) = (TestEngine.server(), TestEngine.server())
        whole.receive(test.bytes)
        for byte in test.bytes { pieces.receive([byte]) }
        #expect(whole.joined.last == pieces.joined.last)
        #expect(whole.takeFrames().last == pieces.takeFrames().last)
    }

    private static let responses: [(String, [(String, String)])] = [
        ("no :status", [("a", "b")]), ("two :status", [(":status", "200"), (":status", "200")]),
        (":status of two digits", [(":status", "20")]), (":status that is no number", [(":status", "2x0")]),
        (":status of 099", [(":status", "099")]), ("101", [(":status", "101")]),
        ("a request's field", [(":status", "200"), (":path", "/")]),
        ("a late :status", [("a", "b"), (":status", "200")]),
        ("connection", [(":status", "200"), ("connection", "close")]),
    ]

    @Test(arguments: responses)
    func `a client resets a stream whose response is malformed`(description: String, fields: [(String, String)]) throws
    {
        let client = TestEngine.client()
        _ = try client.open(endStream: true)
        client.receive(Raw.headers(1, fields))
        #expect(client.seen == [.reset(1, .protocolError, byPeer: false), .closed(1)], "\(description)")
        #expect(client.takeFrames().last?.type == 3)
    }

    @Test(arguments: [
        ("HEADERS on an idle stream", HTTP2ErrorCode.protocolError, Raw.headers(7, Raw.response)),
        ("HEADERS on an even stream", .protocolError, Raw.headers(2, Raw.response)),
        ("PUSH_PROMISE", .protocolError, Raw.frame(5, flags: 4, stream: 1, [0, 0, 0, 2])),
        ("ENABLE_PUSH of 1", .protocolError, Raw.settings([(2, 1)])),
        ("WINDOW_UPDATE on an even stream", .protocolError, Raw.windowUpdate(2, 1)),
    ])
    func `a client ends the connection`(description: String, code: HTTP2ErrorCode, bytes: [UInt8]) throws {
        let client = TestEngine.client()
        _ = try client.open()
        client.receive(bytes)
        #expect(client.seen.last == .connectionFailed(code), "\(description)")
    }

    @Test func `a client resets a stream that has DATA before its response`() throws {
        let client = TestEngine.client()
        _ = try client.open()
        client.receive(Raw.data(1, [1]))
        #expect(client.seen == [.reset(1, .protocolError, byPeer: false), .closed(1)])
    }

    @Test func `a wrong preface, or a first frame other than SETTINGS, ends the connection`() {
        for bytes in [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), Raw.preface + Raw.ping(), Raw.preface + Raw.settingsAcknowledgement,
            Raw.preface + Raw.frame(0xfa), Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\t".utf8),
        ] {
            let server = TestEngine(.server)
            server.receive(bytes)
            #expect(server.seen == [.connectionFailed(.protocolError)])
        }
    }

    @Test func `nothing is taken in after a connection error`() throws {
        let server = TestEngine.server()
        server.receive(Raw.open(1) + Raw.windowUpdate(0, 0) + Raw.open(3))
        server.receive(Raw.open(5))
        #expect(server.seen.last == .connectionFailed(.protocolError))
        let handle = try #require(server.handles[1])
        #expect(!server.sendHeaders(handle, []))
        #expect(server.handles[3] == nil)
        #expect(server.takeFrames().map(\.type) == [7])
        server.fill()
        #expect(server.seen.count == 2)
    }
}

extension Raw {
    /// The usual request on `stream`.
    static func open(_ stream: UInt32) -> [UInt8] { headers(stream, request) }
}
