import HTTP2Engine
import NodeTransport
import Testing

/// The end of a connection: GOAWAY, refused streams, and the end of input.
@Suite struct ShutdownTests {
    @Test func `streams above GOAWAY's last were not processed, the others go on`() throws {
        let client = TestEngine.client()
        for _ in 0..<3 { _ = try client.open(endStream: true) }
        client.receive(Raw.goAway(3, 0, debug: "maintenance"))
        #expect(client.seen == [.goAway(3, .noError, "maintenance"), .unprocessed(5), .closed(5)])
        #expect(client.engine.isGoingAway == true)
        #expect(throws: HTTP2OpenError.goingAway) { try client.open() }
        client.receive(Raw.headers(1, Raw.response, endStream: true) + Raw.headers(5, Raw.response, endStream: true))
        #expect(client.seen.last == .closed(1))
    }

    @Test func `a refused stream was not processed`() throws {
        let client = TestEngine.client()
        _ = try client.open()
        client.receive(Raw.reset(1, 7))
        #expect(client.seen == [.unprocessed(1), .closed(1)])
    }

    @Test func `a stream that is refused after its response has begun may have been processed`() throws {
        let client = TestEngine.client()
        _ = try client.open()
        client.receive(Raw.headers(1, Raw.response) + Raw.reset(1, 7))
        #expect(client.seen.suffix(2) == [.reset(1, .refusedStream, byPeer: true), .closed(1)])
    }

    @Test func `a server says goodbye twice and serves what came before`() throws {
        let pair = Pair()
        let first = try pair.client.open()
        pair.run()
        pair.server.engine.shutdownNotice()
        // A request that crosses the notice is served still.
        let second = try pair.client.open()
        pair.run()
        #expect(pair.client.seen.last == .goAway(0x7fff_ffff, .noError, ""))
        #expect(pair.server.handles[second.id] != nil)
        pair.server.engine.goAway(.noError)
        pair.run()
        #expect(pair.client.seen.last == .goAway(second.id, .noError, ""))
        for id in [first.id, second.id] {
            pair.client.engine.endStream(try #require(pair.client.handles[id]))
            pair.server.sendHeaders(
                try #require(pair.server.handles[id]), [PreparedField(name: ":status", value: "200")], endStream: true
            )
        }
        pair.run()
        #expect(pair.client.seen.suffix(2).last == .closed(second.id))
        #expect(pair.server.engine.openStreamCount == 0)
    }

    @Test func `a server ignores streams above its own GOAWAY`() {
        let server = TestEngine.server()
        server.receive(Raw.open(1))
        server.engine.goAway(.noError, debug: "bye")
        #expect(server.takeOutput() == Raw.goAway(1, 0, debug: "bye"))
        server.seen = []
        server.receive(Raw.open(3) + Raw.data(3, [1, 2]) + Raw.windowUpdate(3, 1) + Raw.reset(3, 8))
        #expect(server.seen.isEmpty)
        #expect(server.takeOutput().isEmpty)
        #expect(server.engine.lastPeerStreamID == 1)
    }

    @Test func `GOAWAY's last stream never grows`() throws {
        let client = TestEngine.client()
        for _ in 0..<3 { _ = try client.open() }
        client.receive(Raw.goAway(1, 0) + Raw.goAway(5, 0))
        #expect(client.seen.last == .goAway(1, .noError, ""))
        let server = TestEngine.server()
        server.receive(Raw.open(1))
        server.engine.goAway(lastStreamID: 1, .noError)
        server.engine.goAway(lastStreamID: 99, .noError)
        #expect(server.takeFrames().map { $0.uint32(at: 0) } == [1, 1])
    }

    @Test func `the end of input fails a connection only when something was open`() throws {
        let idle = TestEngine.server()
        idle.receiveEOF()
        #expect(idle.seen.isEmpty)
        let busy = TestEngine.client()
        _ = try busy.open()
        busy.receiveEOF()
        #expect(busy.seen == [.connectionFailed(.noError)])
        #expect(throws: HTTP2OpenError.closed) { try busy.open() }
        let truncated = TestEngine.server()
        truncated.receive([0, 0, 8, 6])
        truncated.receiveEOF()
        #expect(truncated.seen == [.connectionFailed(.noError)])
    }

    @Test func `a server cannot open streams`() {
        #expect(throws: HTTP2OpenError.closed) { try TestEngine.server().open() }
    }

    @Test func `100 streams are assumed to be allowed until the peer has spoken`() throws {
        let client = TestEngine(.client)
        client.engine.start()
        for _ in 0..<100 { _ = try client.open() }
        #expect(throws: HTTP2OpenError.tooManyStreams) { try client.open() }
        client.receive(Raw.settings())
        #expect(try client.open().id == 201)
    }

    @Test func `a server may answer early and stop the request`() throws {
        let pair = Pair()
        let handle = try pair.client.open()
        pair.client.sendData(handle, Bytes.pattern(10))
        pair.run()
        let accepted = try #require(pair.server.handles[1])
        pair.server.sendHeaders(accepted, [PreparedField(name: ":status", value: "200")], endStream: true)
        pair.server.engine.reset(accepted, .noError)
        pair.run()
        #expect(pair.server.seen.last == .closed(1))
        #expect(pair.client.seen.suffix(2) == [.reset(1, .noError, byPeer: true), .closed(1)])
    }
}
