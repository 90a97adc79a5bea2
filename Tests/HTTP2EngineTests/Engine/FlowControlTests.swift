import HTTP2Engine
import NodeTransport
import Testing

@Suite struct FlowControlTests {
    /// A server that has sent response headers on streams 1, 3, 5… to a peer with these settings.
    private func responding(streams: Int, settings: [(UInt16, UInt32)]) -> TestEngine {
        let server = TestEngine.server(settings: settings)
        for index in 0..<streams {
            let id = UInt32(index * 2 + 1)
            server.receive(Raw.headers(id, Raw.request, endStream: true))
            guard let handle = server.handles[id] else { continue }
            server.sendHeaders(handle, [PreparedField(name: ":status", value: "200")])
        }
        _ = server.takeOutput()
        server.seen = []
        return server
    }

    /// How much content each frame of DATA has, in order, with its stream.
    private func content(_ frames: [ParsedFrame]) -> [[Int]] {
        frames.filter { $0.type == 0 }.map { [Int($0.stream), $0.payload.count] }
    }

    @Test func `sending stalls at the stream's window and resumes with its update`() throws {
        let server = responding(streams: 1, settings: [(4, 10)])
        let handle = try #require(server.handles[1])
        server.engine.sendData(handle, payload: Bytes.pattern(25), endStream: true)
        #expect(content(server.takeFrames()) == [[1, 10]])
        #expect(server.queuedBytes(handle) == 15)
        #expect(server.takeOutput().isEmpty)
        server.receive(Raw.windowUpdate(1, 12))
        #expect(content(server.takeFrames()) == [[1, 12]])
        server.receive(Raw.windowUpdate(1, 100))
        let last = server.takeFrames()
        #expect(content(last) == [[1, 3]])
        #expect(last[0].flags == 1)
        #expect(server.seen.last == .closed(1))
    }

    @Test func `sending stalls at the connection's window and resumes with its update`() throws {
        let server = responding(streams: 2, settings: [(4, 1 << 20)])
        for id: UInt32 in [1, 3] {
            server.sendData(try #require(server.handles[id]), Bytes.pattern(50_000), endStream: true)
        }
        #expect(content(server.takeFrames()).reduce(0) { $0 + $1[1] } == 65_535)
        server.receive(Raw.windowUpdate(0, 1))
        #expect(content(server.takeFrames()).reduce(0) { $0 + $1[1] } == 1)
        server.receive(Raw.windowUpdate(0, 100_000))
        #expect(content(server.takeFrames()).reduce(0) { $0 + $1[1] } == 34_464)
        #expect(server.engine.openStreamCount == 0)
    }

    @Test func `a changed initial window changes open streams, below zero too`() throws {
        let server = responding(streams: 1, settings: [(4, 100)])
        let handle = try #require(server.handles[1])
        server.sendData(handle, Bytes.pattern(300))
        #expect(content(server.takeFrames()) == [[1, 100]])
        server.receive(Raw.settings([(4, 40)]))
        server.receive(Raw.windowUpdate(1, 60))
        #expect(content(server.takeFrames()) == [])
        server.receive(Raw.windowUpdate(1, 1))
        #expect(content(server.takeFrames()) == [[1, 1]])
        server.receive(Raw.settings([(4, 50)]))
        #expect(content(server.takeFrames()) == [[1, 10]])
    }

    @Test func `ready streams take turns`() throws {
        let server = responding(streams: 3, settings: [(4, 1 << 20), (5, 16_384)])
        server.receive(Raw.windowUpdate(0, 1 << 20))
        for id: UInt32 in [1, 3, 5] { server.sendData(try #require(server.handles[id]), Bytes.pattern(40_000)) }
        let turns = content(server.takeFrames())
        #expect(turns.map { $0[0] } == [1, 3, 5, 1, 3, 5, 1, 3, 5])
        #expect(turns.map { $0[1] } == [16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 7232, 7232, 7232])
    }

    @Test func `a small message overtakes the bulk of another stream`() throws {
        let server = responding(streams: 2, settings: [(4, 1 << 20)])
        server.sendData(try #require(server.handles[1]), Bytes.pattern(40_000))
        server.sendData(try #require(server.handles[3]), Bytes.pattern(10))
        #expect(content(server.takeFrames()).first == [3, 10])
    }

    @Test func `frames are as large as the peer accepts, up to a turn`() throws {
        let server = responding(streams: 1, settings: [(4, 1 << 20), (5, 1 << 20)])
        server.receive(Raw.windowUpdate(0, 1 << 20))
        server.sendData(try #require(server.handles[1]), Bytes.pattern(300_000))
        #expect(content(server.takeFrames()).map { $0[1] } == [131_072, 131_072, 37_856])
    }

    @Test func `a queue that was long says when it is short again`() throws {
        let server = responding(streams: 1, settings: [(4, 1000)])
        let handle = try #require(server.handles[1])
        server.sendData(handle, Bytes.pattern(70_000))
        _ = server.takeOutput()
        #expect(server.seen.isEmpty)
        server.receive(Raw.windowUpdate(1, 3000))
        _ = server.takeOutput()
        #expect(server.seen.isEmpty)
        server.receive(Raw.windowUpdate(1, 1000))
        _ = server.takeOutput()
        #expect(server.seen == [.drained(1)])
        server.receive(Raw.windowUpdate(1, 1000))
        _ = server.takeOutput()
        #expect(server.seen == [.drained(1)])
    }

    @Test func `filling stops at the output's high-water mark`() throws {
        let server = responding(streams: 1, settings: [(4, 1 << 24)])
        server.receive(Raw.windowUpdate(0, 1 << 24))
        let handle = try #require(server.handles[1])
        server.sendData(handle, Bytes.pattern(1 << 20))
        server.fill()
        #expect(server.engine.outputBytes >= 256 << 10)
        #expect(server.engine.outputBytes < (256 << 10) + 17_000)
        #expect(server.engine.hasSendableData == true)
        #expect(content(server.takeFrames()).reduce(0) { $0 + $1[1] } == 1 << 20)
        #expect(server.engine.hasSendableData == false)
    }

    @Test func `credit is given back when half the window is consumed`() throws {
        var configuration = HTTP2Configuration()
        configuration.initialStreamWindowBytes = 1000
        let server = TestEngine.server(configuration)
        server.consumesAtOnce = false
        server.receive(Raw.open(1) + Raw.data(1, [UInt8](repeating: 1, count: 600)))
        let handle = try #require(server.handles[1])
        #expect(server.takeOutput().isEmpty)
        server.engine.consume(handle, 499)
        #expect(server.takeOutput().isEmpty)
        server.engine.consume(handle, 1)
        #expect(server.takeOutput() == Raw.windowUpdate(1, 500))
        // More than was delivered cannot be given back.
        server.engine.consume(handle, 10_000)
        server.receive(Raw.data(1, [UInt8](repeating: 1, count: 901)))
        #expect(server.seen.contains(.reset(1, .flowControlError, byPeer: false)))
    }

    @Test func `no credit is given on a stream whose end has been received`() throws {
        var configuration = HTTP2Configuration()
        configuration.initialStreamWindowBytes = 1000
        let server = TestEngine.server(configuration)
        server.receive(Raw.open(1) + Raw.data(1, [UInt8](repeating: 1, count: 900), endStream: true))
        #expect(server.takeOutput().isEmpty)
    }

    @Test func `a peer that exceeds the stream's window loses the stream`() {
        var configuration = HTTP2Configuration()
        configuration.initialStreamWindowBytes = 10
        let server = TestEngine.server(configuration)
        server.receive(Raw.open(1) + Raw.data(1, [UInt8](repeating: 1, count: 11)))
        #expect(server.seen.suffix(2) == [.reset(1, .flowControlError, byPeer: false), .closed(1)])
    }

    @Test func `a peer that has not acknowledged a smaller window may use the default one`() {
        var configuration = HTTP2Configuration()
        configuration.initialStreamWindowBytes = 10
        let server = TestEngine(.server, configuration)
        server.engine.start()
        server.consumesAtOnce = false
        server.receive(Raw.preface + Raw.settings() + Raw.open(1) + Raw.data(1, [UInt8](repeating: 1, count: 11)))
        #expect(server.content(1).count == 11)
        server.receive(Raw.settingsAcknowledgement + Raw.data(1, [1]))
        #expect(server.seen.suffix(2) == [.reset(1, .flowControlError, byPeer: false), .closed(1)])
    }

    @Test func `the connection's credit comes back by itself, also for dropped content`() {
        let server = TestEngine.server()
        server.consumesAtOnce = false
        let chunk = [UInt8](repeating: 1, count: 16_384)
        for index in 0..<600 {
            let id = UInt32(index * 2 + 1)
            server.receive(Raw.open(id) + Raw.data(id, chunk))
            if let handle = server.handles[id] { server.engine.reset(handle, .cancel) }
            server.receive(Raw.data(id, chunk))
        }
        #expect(!server.seen.contains(.connectionFailed(.flowControlError)))
        let updates = server.takeFrames().filter { $0.type == 8 && $0.stream == 0 }
        #expect(updates.reduce(0) { $0 + Int($1.uint32(at: 0)) } > 14 << 20)
    }

    @Test func `a peer that exceeds the connection's window loses the connection`() {
        var configuration = HTTP2Configuration()
        configuration.maxFrameBytes = 1 << 20
        configuration.initialStreamWindowBytes = 1 << 24
        configuration.connectionWindowBytes = 70_000
        let server = TestEngine.server(configuration)
        server.receive(Raw.open(1) + Raw.data(1, [UInt8](repeating: 1, count: 70_001)))
        #expect(server.seen.last == .connectionFailed(.flowControlError))
    }

    @Test func `many messages queue and leave in order`() throws {
        let server = responding(streams: 1, settings: [(4, 7)])
        let handle = try #require(server.handles[1])
        for index in 0..<20 { server.sendData(handle, Bytes([UInt8](repeating: UInt8(index), count: 5))) }
        server.sendTrailers(handle, [PreparedField(name: "grpc-status", value: "0")])
        #expect(!server.sendData(handle, Bytes([1])))
        var received: [UInt8] = []
        var frames: [ParsedFrame] = []
        for _ in 0..<20 {
            frames = server.takeFrames()
            received += frames.filter { $0.type == 0 }.flatMap(\.payload)
            server.receive(Raw.windowUpdate(1, 5))
        }
        #expect(received == (0..<20).flatMap { [UInt8](repeating: $0, count: 5) })
        #expect(server.seen == [.closed(1)])
    }
}
