import HTTP3Engine
import NodeTransport
import Testing

@Suite("QPACK's dynamic table")
struct DynamicTableTests {
    @Test func `Streams wait for a late encoder stream and lose nothing`() throws {
        let seed = Seeded.fresh
        let pair = Pair(seed: seed)
        ExchangeTests.echo(pair)
        // The settings come first, or the encoder has no table.
        pair.run()
        pair.held = [6]
        for number in 0..<20 {
            let id = Int64(number) * 4
            try pair.client.engine.submitRequest(stream: id, prepared: Fields.request(), isFinal: false)
            try pair.client.engine.submitBody(stream: id, payload: Bytes(utf8: "held \(number)"), isFinal: true)
        }
        pair.run()
        #expect(pair.server.streams[0] == nil, "the first request refers to what is held; seed \(seed)")
        pair.held = []
        pair.run()
        for number in 0..<20 {
            let id = Int64(number) * 4
            #expect(pair.server.streams[id]?.headers == [Fields.request().map { "\($0.name): \($0.value)" }])
            #expect(pair.client.streams[id]?.content == Array("held \(number)".utf8), "seed \(seed)")
            #expect(pair.client.streams[id]?.isEnded == true)
        }
        #expect(pair.server.error == nil && pair.client.error == nil)
    }

    /// A response whose encoder stream was lost on the way: QUIC has all of the response's own stream, and is done with it.
    private func pairWithHeldResponse() throws -> Pair {
        let pair = Pair(seed: 4)
        ExchangeTests.echo(pair)
        pair.run()
        // The server's encoder stream.
        pair.held = [7]
        for id in [Int64(0), 4] {
            try pair.client.engine.submitRequest(stream: id, prepared: Fields.request(), isFinal: false)
            try pair.client.engine.submitBody(stream: id, payload: Bytes(utf8: "held"), isFinal: true)
        }
        pair.run()
        #expect(pair.client.streams[4]?.isEnded != true, "the response refers to what is held")
        pair.close(4)
        #expect(pair.client.streams[4]?.isClosed != true)
        return pair
    }

    @Test func `A response that waits for the encoder stream outlives its QUIC stream`() throws {
        let pair = try pairWithHeldResponse()
        pair.held = []
        pair.run()
        #expect(pair.client.streams[4]?.content == Array("held".utf8))
        #expect(pair.client.streams[4]?.isEnded == true && pair.client.streams[4]?.isClosed == true)
        pair.close(0)
        #expect(pair.client.engine.openStreamCount == 0 && pair.client.error == nil)
    }

    @Test func `Nobody waits for a response that was given up when its QUIC stream was gone`() throws {
        let pair = try pairWithHeldResponse()
        pair.client.notice { (engine, events) throws(HTTP3Error) in engine.reset(stream: 4, into: &events) }
        #expect(pair.client.streams[4]?.isClosed == true)
        pair.held = []
        pair.run()
        #expect(pair.client.streams[4]?.content.isEmpty == true && pair.client.streams[4]?.isEnded != true)
        pair.close(0)
        #expect(pair.client.engine.openStreamCount == 0 && pair.client.error == nil && pair.server.error == nil)
    }

    @Test func `Held bytes give their credit back when they have been read`() throws {
        let pair = Pair(seed: 3)
        pair.run()
        pair.held = [6]
        pair.server.withholdsCredit = true
        pair.windowBytes = 1 << 20
        var returned = 0
        pair.server.onEvent = { _, event in if case .consumed(0, let count) = event { returned += count } }
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        try pair.client.engine.submitBody(
            stream: 0, payload: Bytes([UInt8](repeating: 1, count: 5000)), isFinal: false)
        try pair.client.engine.submitTrailers(stream: 0, prepared: [], extra: [HeaderPair(name: "x", value: "y")])
        pair.run()
        #expect(returned == 0)
        pair.held = []
        pair.run()
        #expect(pair.server.streams[0]?.content.count == 5000)
        #expect(pair.server.streams[0]?.trailers == ["x: y"])
        // The DATA frame's header and the trailers.
        #expect(returned > 3 && returned < 30)
    }

    @Test func `Repeated fields are one object and become short`() throws {
        let pair = Pair(seed: 4)
        pair.run()
        var first: [HeaderField] = []
        var sizes: [Int] = []
        for number in 0..<4 {
            let id = Int64(number) * 4
            try pair.client.engine.submitRequest(stream: id, prepared: Fields.request(), isFinal: true)
            sizes.append(pair.client.engine.queuedBytes(id))
            let output = pair.client.takeOutput()
            for (stream, bytes) in output.sorted(by: { $0.key > $1.key }) where stream & 2 != 0 {
                pair.server.receive(stream, bytes)
            }
            let request = try #require(output[id])
            _ = try pair.server.engine.receive(
                stream: id, request.span.bytes, isFinal: true, into: &pair.server.events)
            let fields = pair.server.events.fields
            pair.server.deliver([])
            for (stream, bytes) in pair.server.takeOutput() { pair.client.receive(stream, bytes) }
            if number == 0 { first = fields }
            #expect(fields.count == 7)
            #expect(zip(first, fields).allSatisfy { $0 === $1 })
        }
        #expect(sizes[3] < 40, "sizes \(sizes)")
        #expect(pair.server.error == nil && pair.client.error == nil)
    }

    @Test func `More streams than announced may not wait`() throws {
        var configuration = HTTP3Configuration()
        configuration.maxBlockedStreams = 2
        let server = Peer(.server, configuration)
        // Required insert count 1, of a table that is empty.
        for id in [Int64(0), 4] { server.receive(id, Raw.frame(1, [2, 0, 0x80])) }
        #expect(server.error == nil)
        server.receive(8, Raw.frame(1, [2, 0, 0x80]))
        #expect(server.error?.code == .qpackDecompressionFailed)
    }

    @Test func `A stream that is reset while it waits is forgotten`() throws {
        let server = Peer(.server)
        server.receive(0, Raw.frame(1, [2, 0, 0x80]) + Raw.data("held"))
        server.notice { (engine, events) throws(HTTP3Error) in
            try engine.receivedReset(stream: 0, .requestCancelled, into: &events)
        }
        #expect(server.streams[0]?.reset == .requestCancelled)
        #expect(server.credit[0] == 11, "the header section, and what was held")
        // The decoder stream begins with its type; the cancellation of stream 0 is 0x40.
        #expect(server.takeOutput()[11] == [3, 0x40])
        // Capacity 100, then an entry: "x: y".
        server.receive(6, [2, 0x3f, 0x45, 0x41, 0x78, 0x01, 0x79])
        #expect(server.error == nil)
        #expect(server.streams[0]?.headers.isEmpty == true)
    }
}
