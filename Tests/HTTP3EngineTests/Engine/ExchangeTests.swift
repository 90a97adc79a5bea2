import HTTP3Engine
import NodeTransport
import Testing

@Suite("Requests and responses")
struct ExchangeTests {
    /// A server that answers each request with its content, in one message, and trailers.
    static func echo(_ pair: Pair) {
        pair.server.onEvent = { server, event in
            guard case .end(let id) = event, let content = server.streams[id]?.content else { return }
            try? server.engine.submitResponse(stream: id, prepared: Fields.response(), isFinal: false)
            try? server.engine.submitBody(stream: id, payload: Bytes(content), isFinal: false)
            try? server.engine.submitTrailers(stream: id, prepared: [], extra: Fields.trailers)
        }
    }

    @Test(arguments: 0..<30)
    func `A unary call comes back whole however its bytes are cut`(round: Int) throws {
        let seed = Seeded.fresh
        let pair = Pair(seed: seed)
        pair.largestPiece = [1, 3, 40, 1200][round % 4]
        Self.echo(pair)
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        try pair.client.engine.submitBody(
            stream: 0, prefix: 5, prefixCount: 5, payload: Bytes(utf8: "hello"), isFinal: true)
        pair.run()
        let request = try #require(pair.server.streams[0], "seed \(seed)")
        #expect(request.headers == [Fields.request().map { "\($0.name): \($0.value)" }], "seed \(seed)")
        #expect(request.content == [0, 0, 0, 0, 5] + Array("hello".utf8))
        let response = try #require(pair.client.streams[0], "seed \(seed)")
        #expect(response.headers == [[":status: 200", "content-type: application/grpc"]])
        #expect(response.content == request.content)
        #expect(response.trailers == ["grpc-status: 0", "grpc-message: "])
        #expect(response.isEnded && request.isEnded, "seed \(seed)")
        #expect(pair.client.error == nil && pair.server.error == nil, "seed \(seed)")
        #expect(pair.server.engine.bufferedBytes(0) == 0)
        pair.close(0)
        #expect(pair.client.streams[0]?.isClosed == true && pair.client.engine.openStreamCount == 0)
    }

    @Test func `Messages stream both ways at once`() throws {
        let seed = Seeded.fresh
        let pair = Pair(seed: seed)
        pair.server.onEvent = { server, event in
            switch event {
            case .headers(let id, _, _):
                try? server.engine.submitResponse(stream: id, prepared: Fields.response(), isFinal: false)
            case .data(let id, let content):
                let answer = Bytes([UInt8](repeating: 7, count: content.count))
                try? server.engine.submitBody(stream: id, payload: answer, isFinal: false)
            case .end(let id): try? server.engine.submitTrailers(stream: id, prepared: [], extra: Fields.trailers)
            default: break
            }
        }
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        for size in [1, 255, 256, 257, 5000, 70_000, 3] {
            try pair.client.engine.submitBody(
                stream: 0, payload: Bytes([UInt8](repeating: 7, count: size)), isFinal: false)
            pair.run()
        }
        try pair.client.engine.endStream(0)
        pair.run()
        #expect(pair.client.streams[0]?.content == [UInt8](repeating: 7, count: 75_772), "seed \(seed)")
        #expect(pair.client.streams[0]?.isEnded == true)
        #expect(pair.client.engine.bufferedBytes(0) == 0)
    }

    @Test func `A response of trailers alone ends at once`() throws {
        let pair = Pair(seed: 1)
        pair.server.onEvent = { server, event in
            guard case .headers(let id, _, _) = event else { return }
            try? server.engine.submitResponse(
                stream: id, prepared: Fields.response(), extra: Fields.trailers, isFinal: true)
        }
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        pair.run()
        #expect(pair.client.streams[0]?.headers.first?.contains("grpc-status: 0") == true)
        #expect(pair.client.streams[0]?.isEnded == true)
    }

    @Test func `Informational responses come before the response`() throws {
        let pair = Pair(seed: 2)
        pair.server.onEvent = { server, event in
            guard case .headers(let id, _, _) = event else { return }
            for status in ["100", "103"] {
                try? server.engine.submitInformational(
                    stream: id, prepared: [PreparedField(name: ":status", value: status)])
            }
            try? server.engine.submitResponse(stream: id, prepared: Fields.response(), isFinal: true)
        }
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        pair.run()
        #expect(pair.client.streams[0]?.informational == [[":status: 100"], [":status: 103"]])
        #expect(pair.client.streams[0]?.headers.count == 1)
        #expect(pair.client.streams[0]?.isEnded == true)
    }

    @Test func `A thousand streams are served at once`() throws {
        let seed = Seeded.fresh
        let pair = Pair(seed: seed)
        Self.echo(pair)
        for number in 0..<1000 {
            let id = Int64(number) * 4
            try pair.client.engine.submitRequest(stream: id, prepared: Fields.request(), isFinal: false)
            try pair.client.engine.submitBody(stream: id, payload: Bytes(utf8: "call \(number)"), isFinal: true)
        }
        #expect(pair.client.engine.openStreamCount == 1000)
        pair.run()
        for number in 0..<1000 {
            let response = pair.client.streams[Int64(number) * 4]
            #expect(response?.content == Array("call \(number)".utf8) && response?.isEnded == true, "seed \(seed)")
            pair.close(Int64(number) * 4)
        }
        #expect(pair.client.engine.openStreamCount == 0 && pair.server.engine.openStreamCount == 0)
    }

    @Test func `A body waits for the window and announces when it has drained`() throws {
        let seed = Seeded.fresh
        var configuration = HTTP3Configuration()
        configuration.streamQueueLowWaterBytes = 10_000
        configuration.maxStreamQueueBytes = 3_000_000
        let pair = Pair(seed: seed, configuration)
        pair.windowBytes = 4096
        pair.server.withholdsCredit = true
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        let body = Bytes((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try pair.client.engine.submitBody(stream: 0, payload: body, isFinal: true)
        #expect(throws: HTTP3SendError.streamEnded) {
            try pair.client.engine.submitBody(stream: 0, payload: body, isFinal: true)
        }
        pair.run()
        let stalled = try #require(pair.server.streams[0]?.content.count)
        #expect(stalled <= 4096 && stalled > 3000, "seed \(seed)")
        #expect(pair.client.engine.queuedBytes(0) > 290_000)
        #expect(pair.client.streams[0]?.drainedCount ?? 0 == 0)
        pair.server.withholdsCredit = false
        pair.server.credit[0] = stalled
        pair.run()
        #expect(pair.server.streams[0]?.content == Array(body), "seed \(seed)")
        #expect(pair.client.streams[0]?.drainedCount == 1)
        #expect(pair.client.engine.bufferedBytes(0) == 0)
    }

    @Test func `A queue over its limit takes no more`() throws {
        var configuration = HTTP3Configuration()
        configuration.maxStreamQueueBytes = 1000
        let client = Peer(.client, configuration)
        try client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        #expect(throws: HTTP3SendError.queueFull) {
            try client.engine.submitBody(stream: 0, payload: Bytes([UInt8](repeating: 0, count: 1000)), isFinal: false)
        }
        try client.engine.submitBody(stream: 0, payload: Bytes([UInt8](repeating: 0, count: 100)), isFinal: false)
    }

    @Test func `What does not fit the state of a stream is refused`() throws {
        let client = Peer(.client)
        #expect(throws: HTTP3SendError.streamEnded) { try client.engine.endStream(0) }
        #expect(throws: HTTP3SendError.outOfOrder) {
            try client.engine.submitRequest(stream: 1, prepared: Fields.request(), isFinal: true)
        }
        try client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        #expect(throws: HTTP3SendError.outOfOrder) {
            try client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        }
        #expect(throws: HTTP3SendError.streamEnded) {
            try client.engine.submitTrailers(stream: 0, prepared: [], extra: Fields.trailers)
        }
        let server = Peer(.server)
        server.receive(0, Raw.headers(Raw.get))
        #expect(throws: HTTP3SendError.outOfOrder) {
            try server.engine.submitBody(stream: 0, payload: Bytes(utf8: "x"), isFinal: true)
        }
        let unbound = Peer(.client, isBound: false)
        #expect(throws: HTTP3SendError.closed) {
            try unbound.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        }
    }
}
