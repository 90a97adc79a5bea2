import HTTP3Engine
import NodeTransport
import Testing

@Suite("QPACK's dynamic table")
struct DynamicTableTests {
    @Test func `Streams wait for a late encoder stream and lose nothing`() throws {
        let server = Peer(.server)
        let ids = (0..<20).map { Int64($0) * 4 }
        for id in ids {
            let request = Raw.waitingHeaders(Raw.getLines) + Raw.data("held \(id)")
            // In pieces, of which the first is some of the header section.
            let cut = 3 + Int(id) % 12
            server.receive(id, Array(request[..<cut]))
            server.receive(id, Array(request[cut...]), isFinal: true)
        }
        #expect(server.streams[0] == nil, "the first request refers to what has not come")
        server.receive(6, Raw.encoderStream)
        for id in ids {
            let fields = [":method: GET", ":scheme: https", ":path: /", ":authority: a", "x: y"]
            #expect(server.streams[id]?.headers == [fields])
            #expect(server.streams[id]?.content == Array("held \(id)".utf8))
            #expect(server.streams[id]?.isEnded == true)
        }
        #expect(server.error == nil)
    }

    /// A response whose encoder stream was lost on the way: QUIC has all of the response's own stream, and is done with it.
    private func clientWithHeldResponse() throws -> Peer {
        let client = Peer(.client)
        client.receive(3, Raw.control)
        for id in [Int64(0), 4] {
            try client.engine.submitRequest(stream: id, prepared: Fields.request(), isFinal: true)
            client.receive(id, Raw.waitingHeaders(Raw.okLines) + Raw.data("held"), isFinal: true)
        }
        #expect(client.streams[4]?.isEnded != true, "the response refers to what has not come")
        client.notice { (engine, events) throws(HTTP3Error) in try engine.closed(stream: 4, into: &events) }
        #expect(client.streams[4]?.isClosed != true)
        return client
    }

    @Test func `A response that waits for the encoder stream outlives its QUIC stream`() throws {
        let client = try clientWithHeldResponse()
        client.receive(7, Raw.encoderStream)
        #expect(client.streams[4]?.headers == [[":status: 200", "x: y"]])
        #expect(client.streams[4]?.content == Array("held".utf8))
        #expect(client.streams[4]?.isEnded == true && client.streams[4]?.isClosed == true)
        client.notice { (engine, events) throws(HTTP3Error) in try engine.closed(stream: 0, into: &events) }
        #expect(client.engine.openStreamCount == 0 && client.error == nil)
    }

    @Test func `Nobody waits for a response that was given up when its QUIC stream was gone`() throws {
        let client = try clientWithHeldResponse()
        client.notice { (engine, events) throws(HTTP3Error) in engine.reset(stream: 4, into: &events) }
        #expect(client.streams[4]?.isClosed == true)
        client.receive(7, Raw.encoderStream)
        #expect(client.streams[4]?.content.isEmpty == true && client.streams[4]?.isEnded != true)
        client.notice { (engine, events) throws(HTTP3Error) in try engine.closed(stream: 0, into: &events) }
        #expect(client.engine.openStreamCount == 0 && client.error == nil)
    }

    @Test func `Held bytes give their credit back when they have been read`() throws {
        let server = Peer(.server)
        server.withholdsCredit = true
        var returned = 0
        server.onEvent = { _, event in if case .consumed(0, let count) = event { returned += count } }
        let head = Raw.waitingHeaders(Raw.getLines)
        let content = Raw.data(String(repeating: "c", count: 5000))
        let trailers = Raw.headers([("x", "y")])
        server.receive(0, head + content + trailers)
        #expect(returned == 0 && server.credit[0] == head.count)
        server.receive(6, Raw.encoderStream)
        #expect(server.streams[0]?.content.count == 5000)
        #expect(server.streams[0]?.trailers == ["x: y"])
        #expect(returned == content.count - 5000 + trailers.count, "what is not content")
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
        for id in [Int64(0), 4] { server.receive(id, Raw.waitingHeaders([])) }
        #expect(server.error == nil)
        server.receive(8, Raw.waitingHeaders([]))
        #expect(server.error?.code == .qpackDecompressionFailed)
    }

    @Test func `A stream that is reset while it waits is forgotten`() throws {
        let server = Peer(.server)
        server.receive(0, Raw.waitingHeaders([]) + Raw.data("held"))
        server.notice { (engine, events) throws(HTTP3Error) in
            try engine.receivedReset(stream: 0, .requestCancelled, into: &events)
        }
        #expect(server.streams[0]?.reset == .requestCancelled)
        #expect(server.credit[0] == 11, "the header section, and what was held")
        // The decoder stream begins with its type; the cancellation of stream 0 is 0x40.
        #expect(server.takeOutput()[11] == [3, 0x40])
        server.receive(6, Raw.encoderStream)
        #expect(server.error == nil)
        #expect(server.streams[0]?.headers.isEmpty == true)
    }
}
