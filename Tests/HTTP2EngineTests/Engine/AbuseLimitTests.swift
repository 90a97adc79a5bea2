import HTTP2Engine
import NodeTransport
import Testing

/// What a peer may not do to cost this side time or memory.
@Suite struct AbuseLimitTests {
    private func expectCalm(_ server: TestEngine) {
        #expect(server.seen.last == .connectionFailed(.enhanceYourCalm))
        #expect(server.takeFrames().last?.uint32(at: 4) == HTTP2ErrorCode.enhanceYourCalm.rawValue)
    }

    @Test func `rapid reset`() {
        let server = TestEngine.server()
        for index: UInt32 in 0..<200 { server.receive(Raw.open(index * 2 + 1) + Raw.reset(index * 2 + 1, 8)) }
        #expect(server.seen.last == .closed(399))
        server.receive(Raw.open(401) + Raw.reset(401, 8))
        expectCalm(server)
    }

    @Test func `resets are forgotten after a while`() {
        let server = TestEngine.server()
        for index: UInt32 in 0..<1000 {
            server.now += 200_000_000
            server.receive(Raw.open(index * 2 + 1) + Raw.reset(index * 2 + 1, 8))
        }
        #expect(server.seen.last == .closed(1999))
    }

    @Test func `calls that are given up after a while are no flood`() {
        let server = TestEngine.server()
        for index: UInt32 in 0..<1000 {
            server.receive(Raw.open(index * 2 + 1))
            server.now += 100_000_000
            server.receive(Raw.reset(index * 2 + 1, 8))
            server.now -= 99_000_000
        }
        #expect(server.seen.last == .closed(1999))
    }

    @Test func `streams that end well make up for resets`() throws {
        let server = TestEngine.server()
        for index: UInt32 in 0..<1000 {
            let stream = index * 4 + 1
            server.receive(Raw.headers(stream, Raw.request, endStream: true))
            let handle = try #require(server.handles[stream])
            server.sendHeaders(handle, [PreparedField(name: ":status", value: "200")], endStream: true)
            _ = server.takeOutput()
            server.receive(Raw.open(stream + 2) + Raw.reset(stream + 2, 8))
        }
        #expect(server.seen.last == .closed(3999))
    }

    @Test func `streams that this side is made to reset`() {
        let server = TestEngine.server()
        for index: UInt32 in 0..<200 { server.receive(Raw.open(index * 2 + 1) + Raw.windowUpdate(index * 2 + 1, 0)) }
        #expect(server.seen.last == .closed(399))
        server.receive(Raw.headers(401, [("A", "b")]))
        expectCalm(server)
    }

    @Test func `a client may have many streams reset by its server`() throws {
        let client = TestEngine.client()
        for _ in 0..<1000 {
            let handle = try client.open()
            client.receive(Raw.reset(handle.id, 8))
            client.fill()
        }
        #expect(client.seen.last == .closed(1999))
    }

    @Test func `empty DATA frames`() {
        let server = TestEngine.server()
        server.receive(Raw.open(1))
        for _ in 0..<100 { server.receive(Raw.data(1, [])) }
        server.receive(Raw.data(1, [1]))
        for _ in 0..<100 { server.receive(Raw.data(1, [], padding: 4)) }
        #expect(server.content(1) == [1])
        server.receive(Raw.data(1, []))
        expectCalm(server)
    }

    @Test func `answers that the peer does not read`() {
        let server = TestEngine.server()
        for _ in 0..<1000 { server.receive(Raw.ping()) }
        #expect(server.seen.isEmpty)
        server.receive(Raw.ping())
        expectCalm(server)
    }

    @Test func `answers that the peer does read are no matter, however slowly`() {
        let server = TestEngine.server()
        for _ in 0..<500 { server.receive(Raw.ping()) }
        for _ in 0..<20_000 {
            server.receive(Raw.ping())
            _ = server.takeOutput(filling: false, limit: 17)
        }
        #expect(server.seen.isEmpty)
    }

    @Test func `SETTINGS and PINGs beyond their rates`() {
        var configuration = HTTP2Configuration()
        configuration.maxSettingsPerWindow = 10
        configuration.maxPingsPerWindow = 10
        for frame in [Raw.settings(), Raw.ping()] {
            let server = TestEngine.server(configuration)
            for _ in 0..<9 { server.receive(frame) }
            _ = server.takeOutput()
            #expect(server.seen.isEmpty)
            server.receive(frame + frame)
            expectCalm(server)
        }
    }

    @Test func `CONTINUATION without end`() {
        for size in [0, 1, 1000] {
            let server = TestEngine.server()
            server.receive(Raw.headers(1, Raw.request, endHeaders: false))
            for _ in 0..<300 {
                server.receive(Raw.continuation(1, [UInt8](repeating: 0, count: size), endHeaders: false))
            }
            expectCalm(server)
        }
    }

    @Test func `a frame too large to be buffered, though the limit for DATA allows it`() {
        var configuration = HTTP2Configuration()
        configuration.maxFrameBytes = 1 << 20
        for type: UInt8 in [1, 4, 7] {
            let server = TestEngine.server(configuration)
            server.receive([1, 0, 0, type, 0, 0, 0, 0, type == 1 ? 1 : 0])
            expectCalm(server)
        }
    }

    @Test func `a list that references a large entry over and over`() {
        let server = TestEngine.server()
        let entry = [0x40] + Raw.string(Array("key".utf8)) + Raw.string([UInt8](repeating: 0x78, count: 3900))
        let bomb = entry + [UInt8](repeating: 0xbe, count: 12_000)
        server.receive(Raw.frame(1, flags: 5, stream: 1, Raw.block(Raw.request) + bomb))
        #expect(server.seen == [.headersTooLarge(1)])
        #expect(server.events.fields.capacity < 100)
    }

    @Test func `streams above the limit are refused, and HPACK stays in step`() {
        var configuration = HTTP2Configuration()
        configuration.maxConcurrentStreams = 2
        let server = TestEngine.server(configuration)
        let indexed: [UInt8] = [0x40, 1, 0x61, 1, 0x62]
        server.receive(Raw.open(1) + Raw.open(3))
        server.receive(
            Raw.frame(1, flags: 4, stream: 5, Raw.block(Raw.request) + indexed) + Raw.data(5, [1], endStream: true))
        #expect(server.handles[5] == nil)
        #expect(server.takeOutput() == Raw.reset(5, HTTP2ErrorCode.refusedStream.rawValue))
        server.receive(Raw.reset(1, 8))
        server.receive(Raw.frame(1, flags: 4, stream: 7, Raw.block(Raw.request) + [0xbe]))
        guard case .headers(7, let fields, _)? = server.seen.last else {
            Issue.record("no headers")
            return
        }
        #expect(fields.last == "a: b")
    }
}
