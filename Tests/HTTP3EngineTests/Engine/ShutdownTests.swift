import HTTP3Engine
import NodeTransport
import Testing

@Suite("Resets and the connection's end")
struct ShutdownTests {
    @Test func `GOAWAY comes twice and separates what is processed`() throws {
        let pair = Pair(seed: Seeded.fresh)
        pair.run()
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        pair.run()
        pair.server.engine.submitShutdownNotice()
        pair.run()
        #expect(pair.client.goAways == [(1 << 62) - 4])
        #expect(throws: HTTP3SendError.goingAway) {
            try pair.client.engine.submitRequest(stream: 4, prepared: Fields.request(), isFinal: true)
        }
        pair.server.engine.shutdown()
        pair.server.engine.shutdown()
        pair.server.engine.submitShutdownNotice()
        pair.run()
        #expect(pair.client.goAways == [(1 << 62) - 4, 4])
        #expect(pair.client.streams[0]?.isUnprocessed != true)
        try pair.server.engine.submitResponse(stream: 0, prepared: Fields.response(), isFinal: true)
        pair.run()
        #expect(pair.client.streams[0]?.isEnded == true)
    }

    @Test func `A request that crosses GOAWAY is rejected and known to be unprocessed`() throws {
        let pair = Pair(seed: Seeded.fresh)
        pair.run()
        pair.held = [0, 3]
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
        pair.server.engine.shutdown()
        pair.run()
        pair.held = [3]
        pair.run()
        #expect(pair.server.streams[0]?.isRejected == true)
        #expect(pair.server.streams[0]?.headers.isEmpty == true)
        pair.held = []
        pair.run()
        #expect(pair.client.goAways == [0])
        #expect(pair.client.streams[0]?.isUnprocessed == true)
        #expect(pair.client.error == nil && pair.server.error == nil)
    }

    @Test func `A client's GOAWAY reaches the server`() {
        let pair = Pair(seed: 1)
        pair.client.engine.submitShutdownNotice()
        pair.client.engine.shutdown()
        pair.run()
        #expect(pair.server.goAways == [(1 << 62) - 1, 0])
        #expect(pair.server.error == nil)
    }

    @Test func `The peer's reset is passed on and frees what waits`() throws {
        let pair = Pair(seed: 5)
        pair.run()
        pair.windowBytes = 2000
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        try pair.client.engine.submitBody(
            stream: 0, payload: Bytes([UInt8](repeating: 0, count: 50_000)), isFinal: true)
        pair.server.withholdsCredit = true
        pair.run()
        pair.client.notice { (engine, events) throws(HTTP3Error) in
            try engine.receivedStopSending(stream: 0, .noError, into: &events)
        }
        #expect(pair.client.streams[0]?.stopSending == .noError)
        #expect(pair.client.engine.queuedBytes(0) == 0)
        let hasOutput = pair.client.engine.hasOutput
        #expect(!hasOutput)
        #expect(throws: HTTP3SendError.streamEnded) { try pair.client.engine.endStream(0) }
        pair.server.notice { (engine, events) throws(HTTP3Error) in
            try engine.receivedReset(stream: 0, .requestCancelled, into: &events)
        }
        #expect(pair.server.streams[0]?.reset == .requestCancelled)
        // The answer may still be sent.
        try pair.server.engine.submitResponse(stream: 0, prepared: Fields.response(), isFinal: true)
        pair.run()
        #expect(pair.client.streams[0]?.isEnded == true)
        pair.close(0)
        #expect(pair.server.streams[0]?.isClosed == true)
    }

    @Test func `A rejected request was not processed, any other reset may have been`() throws {
        let client = Peer(.client)
        for id in [Int64(0), 4] {
            try client.engine.submitRequest(stream: id, prepared: Fields.request(), isFinal: true)
        }
        client.notice { (engine, events) throws(HTTP3Error) in
            try engine.receivedReset(stream: 0, .requestRejected, into: &events)
            try engine.receivedReset(stream: 4, .internalError, into: &events)
        }
        #expect(client.streams[0]?.isUnprocessed == true && client.streams[0]?.reset == nil)
        #expect(client.streams[4]?.reset == .internalError)
    }

    @Test func `A stream that is given up takes nothing and sends nothing`() throws {
        let pair = Pair(seed: 6)
        pair.run()
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: false)
        pair.client.engine.reset(stream: 0, into: &pair.client.events)
        #expect(pair.client.takeOutput()[0] == nil)
        pair.client.receive(0, Raw.headers([(":status", "200")]) + Raw.data("late"), isFinal: true)
        #expect(pair.client.streams[0]?.headers.isEmpty != false)
        #expect(pair.client.error == nil)
        pair.close(0)
        pair.client.receive(0, Raw.data("later"))
        #expect(pair.client.error == nil)
    }
}
