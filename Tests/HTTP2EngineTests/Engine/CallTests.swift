import HTTP2Engine
import NodeTransport
import Testing

@Suite struct CallTests {
    @Test func `both sides see each other's settings`() {
        let pair = Pair()
        #expect(pair.client.seen == [.settingsReceived, .settingsAcknowledged])
        #expect(pair.server.seen.contains(.settingsReceived))
        #expect(pair.server.seen.contains(.settingsAcknowledged))
        #expect(pair.client.engine.peerMaxConcurrentStreams == 256)
    }

    @Test func `a unary call passes headers, content and trailers, and closes the stream on both sides`() throws {
        let pair = Pair()
        pair.client.seen = []
        pair.server.seen = []
        let id = try pair.call(request: Bytes(utf8: "ping"), response: Bytes(utf8: "pong"))
        #expect(id == 1)
        #expect(
            pair.server.seen == [
                .headers(1, Raw.request.map { "\($0.0): \($0.1)" }, endStream: false),
                .data(1, Array("ping".utf8), endStream: true),
                .closed(1),
            ]
        )
        #expect(
            pair.client.seen == [
                .headers(1, [":status: 200"], endStream: false),
                .data(1, Array("pong".utf8), endStream: false),
                .trailers(1, ["grpc-status: 0"]),
                .closed(1),
            ]
        )
        #expect(pair.client.engine.openStreamCount == 0)
        #expect(pair.server.engine.openStreamCount == 0)
    }

    @Test(arguments: [1, 9, 10, 100, 4095, 4096, 4097, 16_384, 16_385, 65_536, 1 << 20])
    func `bodies of any size arrive whole`(count: Int) throws {
        let pair = Pair()
        let request = Bytes.pattern(count)
        let response = Bytes.pattern(count, seed: 7)
        let id = try pair.call(request: request, response: response)
        #expect(pair.server.content(id) == Array(request))
        #expect(pair.client.content(id) == Array(response))
        #expect(pair.client.seen.last == .closed(id))
    }

    @Test(arguments: [1, 2, 7, 1000, 16_393])
    func `it does not matter in which pieces the bytes arrive`(step: Int) throws {
        let pair = Pair()
        pair.step = step
        let body = Bytes.pattern(50_000)
        let id = try pair.call(request: body, response: body)
        #expect(pair.server.content(id) == Array(body))
        #expect(pair.client.content(id) == Array(body))
    }

    @Test func `a prefix precedes the payload, also when the window cuts through it`() throws {
        var configuration = HTTP2Configuration()
        configuration.initialStreamWindowBytes = 3
        let pair = Pair(server: configuration)
        let handle = try pair.client.open()
        let isSent = pair.client.engine.sendData(
            handle, prefix: 0x0102_0304_0506_0708, prefixCount: 8, payload: Bytes([9, 10]), endStream: true
        )
        #expect(isSent)
        pair.run()
        #expect(pair.server.content(handle.id) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    }

    @Test func `a response may be trailers only`() throws {
        let pair = Pair()
        let handle = try pair.client.open(endStream: true)
        pair.run()
        let accepted = try #require(pair.server.handles[handle.id])
        let fields = [PreparedField(name: ":status", value: "200"), PreparedField(name: "grpc-status", value: "12")]
        #expect(pair.server.sendHeaders(accepted, fields, endStream: true))
        pair.run()
        #expect(
            pair.client.seen.suffix(2) == [
                .headers(1, [":status: 200", "grpc-status: 12"], endStream: true), .closed(1),
            ]
        )
    }

    @Test func `trailers sent while content waits come behind it`() throws {
        var configuration = HTTP2Configuration()
        configuration.initialStreamWindowBytes = 1000
        let pair = Pair(client: configuration)
        let body = Bytes.pattern(10_000)
        try pair.call(request: Bytes(), response: body)
        #expect(pair.client.content(1) == Array(body))
        #expect(pair.client.seen.suffix(2) == [.trailers(1, ["grpc-status: 0"]), .closed(1)])
    }

    @Test func `extra fields are sent behind prepared ones`() throws {
        let pair = Pair()
        let extra = [
            HeaderPair(name: "grpc-timeout", value: "1S"), HeaderPair(name: "key", value: "s", isSensitive: true),
        ]
        _ = try pair.client.open(extra: extra)
        pair.run()
        guard case .headers(_, let fields, _)? = pair.server.seen.last else {
            Issue.record("no headers")
            return
        }
        #expect(fields.suffix(2) == ["grpc-timeout: 1S", "key: s"])
    }

    @Test func `a header block larger than a frame is continued`() throws {
        let pair = Pair()
        let value = String(repeating: "~", count: 15_000)
        var configuration = HTTP2Configuration()
        configuration.maxHeaderListBytes = 64 << 10
        let wide = Pair(client: configuration, server: configuration)
        _ = pair
        _ = try wide.client.open(extra: [HeaderPair(name: "a", value: value), HeaderPair(name: "b", value: value)])
        wide.run()
        guard case .headers(_, let fields, _)? = wide.server.seen.last else {
            Issue.record("no headers")
            return
        }
        #expect(fields.suffix(2) == ["a: \(value)", "b: \(value)"])
    }

    @Test func `slots are dense and are reused only after the stream has closed`() throws {
        let pair = Pair()
        let first = try pair.client.open()
        let second = try pair.client.open()
        #expect([first.slot, second.slot] == [0, 1])
        pair.client.engine.reset(first, .cancel)
        let third = try pair.client.open()
        #expect(third.slot == 2)
        pair.run()
        pair.run()
        pair.client.fill()
        #expect(try pair.client.open().slot == 0)
    }

    @Test func `a handle of a stream that is gone does nothing`() throws {
        let pair = Pair()
        let handle = try pair.client.open()
        pair.client.engine.reset(handle, .cancel)
        pair.run()
        #expect(!pair.client.sendData(handle, Bytes(utf8: "x")))
        #expect(!pair.client.sendTrailers(handle))
        pair.client.engine.consume(handle, 100)
        pair.client.engine.endStream(handle)
        pair.client.engine.reset(handle, .cancel)
        #expect(!pair.client.sendData(StreamHandle(id: 9, slot: 4711), Bytes(utf8: "x")))
        #expect(!pair.client.sendData(StreamHandle(id: 9, slot: -1), Bytes(utf8: "x")))
        #expect(pair.client.takeOutput().isEmpty)
    }
}
