import HTTP2Engine
import NodeTransport
import Testing

/// What each type of frame does when it is valid.
@Suite struct FrameTests {
    @Test func `a client begins with the preface, SETTINGS and the connection's window`() {
        let client = TestEngine(.client)
        client.engine.start()
        let bytes = client.takeOutput()
        #expect(bytes.starts(with: Raw.preface))
        let frames = ParsedFrame.parse(bytes)
        #expect(frames.map(\.type) == [4, 8])
        let settings = stride(from: 0, to: frames[0].payload.count, by: 6).map { Array(frames[0].payload[$0..<$0 + 6]) }
        #expect(settings.contains([0, 2, 0, 0, 0, 0]))
        #expect(settings.contains([0, 4, 0, 0x10, 0, 0]))
        #expect(frames[1].uint32(at: 0) == 4 << 20 - 65_535)
    }

    @Test func `a server announces its limits`() {
        var configuration = HTTP2Configuration()
        configuration.maxConcurrentStreams = 17
        configuration.maxFrameBytes = 1 << 20
        configuration.headerTableBytes = 0
        let server = TestEngine(.server, configuration)
        server.engine.start()
        let settings = server.takeFrames()[0].payload
        let parameters = stride(from: 0, to: settings.count, by: 6).map { Array(settings[$0..<$0 + 6]) }
        #expect(parameters.contains([0, 3, 0, 0, 0, 17]))
        #expect(parameters.contains([0, 5, 0, 0x10, 0, 0]))
        #expect(parameters.contains([0, 1, 0, 0, 0, 0]))
    }

    @Test func `SETTINGS are acknowledged and applied`() throws {
        let client = TestEngine.client()
        client.receive(Raw.settings([(3, 1), (4, 10), (5, 20_000), (6, 1000), (99, 1)]))
        #expect(client.takeFrames() == ParsedFrame.parse(Raw.settingsAcknowledgement))
        #expect(client.engine.peerMaxConcurrentStreams == 1)
        #expect(client.engine.peerMaxHeaderListBytes == 1000)
        let handle = try client.open()
        #expect(throws: HTTP2OpenError.tooManyStreams) { try client.open() }
        client.sendData(handle, Bytes.pattern(25))
        _ = client.takeOutput()
        #expect(client.queuedBytes(handle) == 15)
    }

    @Test func `PING is answered with its payload`() {
        let server = TestEngine.server()
        server.receive(Raw.ping())
        #expect(server.takeOutput() == Raw.ping(acknowledge: true))
        #expect(server.engine.pingsReceived == 1)
        server.engine.ping(0x0102_0304_0506_0708)
        #expect(server.takeOutput() == Raw.ping())
        server.receive(Raw.ping(acknowledge: true))
        #expect(server.seen == [.pingAcknowledged(0x0102_0304_0506_0708)])
    }

    @Test func `padding is stripped, and its credit given back`() {
        let server = TestEngine.server()
        let padded = Raw.frame(1, flags: 0xc, stream: 1, [3] + Raw.block(Raw.request) + [0, 0, 0])
        server.receive(padded + Raw.data(1, [1, 2], padding: 5) + Raw.data(1, [3], endStream: true, padding: 0))
        #expect(server.seen.first == .headers(1, Raw.request.map { "\($0.0): \($0.1)" }, endStream: false))
        #expect(server.content(1) == [1, 2, 3])
        #expect(server.joined.last == .data(1, [1, 2, 3], endStream: true))
    }

    @Test func `a frame of nothing but padding may end a stream`() {
        let server = TestEngine.server()
        server.receive(Raw.open(1) + Raw.data(1, [], endStream: true, padding: 255))
        #expect(server.seen.last == .data(1, [], endStream: true))
    }

    @Test func `priorities are ignored`() {
        let server = TestEngine.server()
        let priority: [UInt8] = [0x80, 0, 0, 1, 255]
        server.receive(Raw.frame(2, stream: 1, priority) + Raw.frame(2, stream: 77, priority))
        server.receive(Raw.frame(1, flags: 0x24, stream: 1, priority + Raw.block(Raw.request)))
        #expect(server.seen == [.headers(1, Raw.request.map { "\($0.0): \($0.1)" }, endStream: false)])
    }

    @Test func `frames of unknown types, unknown flags and the reserved bit are ignored`() {
        let server = TestEngine.server()
        server.receive(Raw.frame(0xfa, flags: 0xff, stream: 4711, [UInt8](repeating: 9, count: 5000)))
        server.receive(
            Raw.frame(0x10, stream: 0) + Raw.frame(6, flags: 0xf0, stream: 1 << 31, [0, 0, 0, 0, 0, 0, 0, 0]))
        #expect(server.takeFrames().map(\.type) == [6])
    }

    @Test func `header blocks may come in pieces`() {
        let block = Raw.block(Raw.request)
        for cut in [0, 1, 10, block.count - 1, block.count] {
            let server = TestEngine.server()
            server.receive(Raw.frame(1, flags: 1, stream: 1, Array(block[..<cut])))
            server.receive(Raw.continuation(1, [], endHeaders: false))
            server.receive(Raw.continuation(1, Array(block[cut...]), endHeaders: true))
            #expect(server.seen == [.headers(1, Raw.request.map { "\($0.0): \($0.1)" }, endStream: true)])
        }
    }

    @Test func `RST_STREAM ends a stream and drops what it had queued`() throws {
        let server = TestEngine.server(settings: [(4, 10)])
        server.receive(Raw.open(1))
        let handle = try #require(server.handles[1])
        server.sendHeaders(handle, [PreparedField(name: ":status", value: "200")])
        server.sendData(handle, Bytes.pattern(100))
        _ = server.takeOutput()
        #expect(server.queuedBytes(handle) == 90)
        server.receive(Raw.reset(1, 8))
        #expect(server.seen.suffix(2) == [.reset(1, .cancel, byPeer: true), .closed(1)])
        #expect(server.queuedBytes(handle) == 0)
        server.receive(Raw.windowUpdate(1, 1000) + Raw.windowUpdate(0, 1000) + Raw.reset(1, 8))
        #expect(server.takeOutput().isEmpty)
    }

    @Test func `informational responses are swallowed`() throws {
        let client = TestEngine.client()
        _ = try client.open()
        client.receive(Raw.headers(1, [(":status", "100")]) + Raw.headers(1, [(":status", "103"), ("link", "x")]))
        client.receive(Raw.headers(1, Raw.response))
        #expect(client.seen == [.headers(1, Raw.response.map { "\($0.0): \($0.1)" }, endStream: false)])
    }

    @Test func `a response to HEAD, and one without content, may have a content-length`() throws {
        let client = TestEngine.client()
        for (method, status) in [("HEAD", "200"), ("GET", "304")] {
            client.seen = []
            let fields = [(":method", method), (":scheme", "http"), (":path", "/")]
            let handle = try client.engine.openStream(
                prepared: fields.map { PreparedField(name: $0.0, value: $0.1) }, endStream: true
            )
            client.receive(Raw.headers(handle.id, [(":status", status), ("content-length", "5")], endStream: true))
            #expect(client.seen.last == .closed(handle.id))
        }
    }

    @Test func `a header list over the limit is announced, and the connection goes on`() {
        var configuration = HTTP2Configuration()
        configuration.maxHeaderListBytes = 400
        let server = TestEngine.server(configuration)
        let large = Raw.request + [("key", String(repeating: "x", count: 400))]
        server.receive(Raw.headers(1, large, endStream: true) + Raw.headers(3, Raw.request, endStream: true))
        #expect(server.seen.first == .headersTooLarge(1))
        #expect(server.seen.last == .headers(3, Raw.request.map { "\($0.0): \($0.1)" }, endStream: true))
    }

    @Test func `frames on a stream that was reset here are ignored`() throws {
        let server = TestEngine.server()
        server.receive(Raw.open(1))
        server.engine.reset(try #require(server.handles[1]), .cancel)
        _ = server.takeOutput()
        server.receive(Raw.data(1, [1, 2, 3]) + Raw.headers(1, [("a", "b")], endStream: true) + Raw.windowUpdate(1, 5))
        #expect(server.seen.last == .closed(1))
        #expect(server.takeOutput().isEmpty)
    }

    @Test func `a stream reset in the middle of a DATA frame drops the rest of it`() throws {
        let server = TestEngine.server()
        let frame = Raw.data(1, [1, 2, 3, 4, 5, 6])
        server.receive(Raw.open(1) + frame.prefix(12))
        #expect(server.content(1) == [1, 2, 3])
        server.engine.reset(try #require(server.handles[1]), .cancel)
        server.receive(Array(frame.dropFirst(12)) + Raw.open(3))
        #expect(server.content(1) == [1, 2, 3])
        #expect(server.handles[3] != nil)
    }
}
