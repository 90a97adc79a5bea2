import HTTP3Engine
import Testing

@Suite("Errors of the connection have the code that RFC 9114 asks for")
struct ConnectionErrorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var role: HTTP3Role
        var stream: Int64
        var bytes: [UInt8]
        var isFinal = false
        var code: HTTP3ErrorCode

        var testDescription: String { name }

        init(
            _ name: String, _ role: HTTP3Role = .server, stream: Int64, _ bytes: [UInt8], isFinal: Bool = false,
            _ code: HTTP3ErrorCode
        ) {
            (self.name, self.role, self.stream, self.bytes) = (name, role, stream, bytes)
            (self.isFinal, self.code) = (isFinal, code)
        }
    }

    private static let head = Raw.headers(Raw.get)

    static let cases: [Case] =
        [
            Case("no SETTINGS first", stream: 2, [0] + Raw.frame(7, [0]), .missingSettings),
            Case("an unknown frame before SETTINGS", stream: 2, [0] + Raw.frame(0x21), .missingSettings),
            Case("SETTINGS twice", stream: 2, Raw.control + Raw.frame(4), .frameUnexpected),
            Case("a setting twice", stream: 2, [0] + Raw.frame(4, [6, 1, 6, 1]), .settingsError),
            Case("a setting cut off", stream: 2, [0] + Raw.frame(4, [6]), .frameError),
            Case("H3_DATAGRAM = 2", stream: 2, [0] + Raw.frame(4, [0x33, 2]), .settingsError),
            Case("extended CONNECT = 2", stream: 2, [0] + Raw.frame(4, [8, 2]), .settingsError),
            Case("SETTINGS without end", stream: 2, [0, 4, 0x80, 1, 0, 0], .excessiveLoad),
            Case("DATA on control", stream: 2, Raw.control + Raw.data("x"), .frameUnexpected),
            Case("HEADERS on control", stream: 2, Raw.control + head, .frameUnexpected),
            Case("PUSH_PROMISE on control", stream: 2, Raw.control + Raw.frame(5, [0]), .frameUnexpected),
            Case("control ended", stream: 2, Raw.control, isFinal: true, .closedCriticalStream),
            Case("encoder stream ended", stream: 6, [2], isFinal: true, .closedCriticalStream),
            Case("decoder stream ended", stream: 6, [3], isFinal: true, .closedCriticalStream),
            Case("a push stream of a client", stream: 6, [1, 0], .streamCreationError),
            Case("a push stream of a server", .client, stream: 7, [1, 0], .idError),
            Case("a stream of a server", .client, stream: 1, [0], .streamCreationError),
            Case("MAX_PUSH_ID going back", stream: 2, Raw.control + Raw.frame(13, [5]) + Raw.frame(13, [4]), .idError),
            Case("MAX_PUSH_ID of a server", .client, stream: 3, Raw.control + Raw.frame(13, [5]), .frameUnexpected),
            Case("CANCEL_PUSH", stream: 2, Raw.control + Raw.frame(3, [0]), .idError),
            Case("GOAWAY for no request", .client, stream: 3, Raw.control + Raw.frame(7, [1]), .idError),
            Case("GOAWAY going up", .client, stream: 3, Raw.control + Raw.frame(7, [4]) + Raw.frame(7, [8]), .idError),
            Case("GOAWAY too long", stream: 2, Raw.control + Raw.frame(7, [0, 0]), .frameError),
            Case("GOAWAY empty", stream: 2, Raw.control + Raw.frame(7), .frameError),
            Case("PRIORITY_UPDATE for no request", stream: 2, Raw.control + Raw.frame(0xf0700, [1]), .idError),
            Case("PRIORITY_UPDATE for a push", stream: 2, Raw.control + Raw.frame(0xf0701, [0]), .idError),
            Case(
                "PRIORITY_UPDATE of a server", .client, stream: 3, Raw.control + Raw.frame(0xf0700, [0]),
                .frameUnexpected),
            Case("DATA first", stream: 0, Raw.data("x"), .frameUnexpected),
            Case("DATA behind trailers", stream: 0, head + Raw.headers([("x", "y")]) + Raw.data("x"), .frameUnexpected),
            Case("HEADERS behind trailers", stream: 0, head + head + head, .messageError),
            Case(
                "a third section", stream: 0, head + Raw.headers([("x", "y")]) + Raw.headers([("x", "y")]),
                .frameUnexpected),
            Case("SETTINGS on a request", stream: 0, head + Raw.frame(4), .frameUnexpected),
            Case("GOAWAY on a request", stream: 0, head + Raw.frame(7, [0]), .frameUnexpected),
            Case("MAX_PUSH_ID on a request", stream: 0, head + Raw.frame(13, [0]), .frameUnexpected),
            Case("CANCEL_PUSH on a request", stream: 0, head + Raw.frame(3, [0]), .frameUnexpected),
            Case("PUSH_PROMISE of a client", stream: 0, head + Raw.frame(5, [0, 0, 0]), .frameUnexpected),
            Case("PUSH_PROMISE of a server", .client, stream: 0, Raw.frame(5, [0, 0, 0]), .idError),
            Case("a frame cut off", stream: 0, head + [0, 5, 1], isFinal: true, .frameError),
            Case("a frame's header cut off", stream: 0, head + [0x40], isFinal: true, .frameError),
            Case("a section without its prefix", stream: 0, Raw.frame(1), .qpackDecompressionFailed),
            Case("a section that is none", stream: 0, Raw.frame(1, [0, 0, 0xff]), .qpackDecompressionFailed),
            Case(
                "an entry that does not exist", stream: 0, Raw.frame(1, [0, 0, 0xff, 0x7f]), .qpackDecompressionFailed),
            Case(
                "a string over all limits", stream: 0, Raw.frame(1, [0, 0, 0x2f, 0xff, 0xff, 0x7f]),
                .qpackDecompressionFailed),
            Case("a bad encoder stream", stream: 6, [2, 0x80, 0x05], .qpackEncoderStreamError),
            Case("a bad decoder stream", stream: 6, [3, 0x00], .qpackDecoderStreamError),
        ]
        + [UInt64(2), 3, 4, 5].map {
            Case("HTTP/2's setting \($0)", stream: 2, [0] + Raw.frame(4, [UInt8($0), 0]), .settingsError)
        }
        + [UInt64(2), 6, 8, 9].flatMap {
            [
                Case("HTTP/2's frame \($0) on control", stream: 2, Raw.control + Raw.frame($0), .frameUnexpected),
                Case("HTTP/2's frame \($0) on a request", stream: 0, head + Raw.frame($0), .frameUnexpected),
            ]
        }

    @Test(arguments: cases, [false, true])
    func `A peer's error is found, in one piece or byte by byte`(example: Case, isCut: Bool) throws {
        let peer = Peer(example.role)
        if example.role == .client {
            try peer.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        }
        if example.code == .messageError {
            peer.receive(example.stream, example.bytes)
            #expect(peer.streams[example.stream]?.failure == .messageError)
            return
        }
        if isCut {
            for (offset, byte) in example.bytes.enumerated() {
                let isLast = offset == example.bytes.count - 1
                peer.receive(example.stream, [byte], isFinal: isLast && example.isFinal)
            }
        } else {
            peer.receive(example.stream, example.bytes, isFinal: example.isFinal)
        }
        #expect(peer.error?.code == example.code)
        // It stays unusable.
        #expect(throws: HTTP3Error.self) {
            _ = try peer.engine.receive(stream: 8, [0].span.bytes, isFinal: false, into: &peer.events)
        }
        let hasOutput = peer.engine.hasOutput
        #expect(!hasOutput)
    }

    @Test(arguments: [UInt8(0), 2, 3])
    func `A second stream of a critical type is refused`(type: UInt8) {
        let server = Peer(.server)
        server.receive(2, [type])
        #expect(server.error == nil)
        server.receive(6, [type])
        #expect(server.error?.code == .streamCreationError)
    }

    @Test func `Critical streams cannot be reset, closed or stopped`() {
        for action in 0..<4 {
            let server = Peer(.server)
            server.receive(2, Raw.control)
            server.notice { (engine, events) throws(HTTP3Error) in
                switch action {
                case 0: try engine.receivedReset(stream: 2, .noError, into: &events)
                case 1: try engine.closed(stream: 2, into: &events)
                case 2: try engine.receivedStopSending(stream: 3, .noError, into: &events)
                default: try engine.closed(stream: 7, into: &events)
                }
            }
            #expect(server.error?.code == .closedCriticalStream)
        }
    }

    @Test func `Unknown frames, settings and streams are ignored`() {
        let server = Peer(.server)
        server.receive(2, [0] + Raw.frame(4, [0x21, 1, 0x40, 0x40, 9]) + Raw.frame(0x21, [1, 2]) + Raw.frame(0x4040))
        server.receive(6, Raw.integer(0x40 + 0x21 * 31) + [1, 2, 3])
        server.receive(6, [4, 5], isFinal: true)
        server.receive(10, [0x80, 0], isFinal: true)
        server.receive(0, Raw.frame(0x21, [9]) + Raw.headers(Raw.get) + Raw.frame(0x5f, [1, 2]) + Raw.data("x"))
        server.receive(0, Raw.frame(0x40, []) + Raw.headers([("x", "y")]) + Raw.frame(0x7e, [1]), isFinal: true)
        #expect(server.error == nil)
        #expect(server.refused == [6: .streamCreationError])
        #expect(server.streams[0]?.content == [120])
        #expect(server.streams[0]?.trailers == ["x: y"])
        #expect(server.streams[0]?.isEnded == true)
        let hasSettings = server.engine.hasReceivedSettings
        #expect(hasSettings)
        // All but the content is given back.
        #expect(server.credit[0].map { $0 > 40 } == true)
    }

    @Test func `A flood of frames without content ends the connection`() {
        let server = Peer(.server)
        server.receive(0, Raw.headers(Raw.get))
        for _ in 0..<1000 { server.receive(0, [0, 0]) }
        #expect(server.error == nil)
        server.receive(0, [0, 0])
        #expect(server.error?.code == .excessiveLoad)
    }
}
