import HTTP3Engine
import NodeTransport
import Testing

@Suite("Limits")
struct LimitTests {
    @Test func `A field section over the limit is refused and nothing else`() throws {
        var configuration = HTTP3Configuration()
        configuration.maxFieldSectionBytes = 2000
        configuration.maxFieldCount = 20
        let long = String(repeating: "a", count: 3000)
        let examples: [[(String, String)]] = [
            Raw.get + [("x", long)],
            Raw.get + (0..<15).map { ("x\($0)", String(repeating: "a", count: 100)) },
            Raw.get + (0..<17).map { ("x\($0)", "") },
        ]
        for fields in examples {
            let server = Peer(.server, configuration)
            server.receive(0, Raw.headers(fields))
            #expect(server.streams[0]?.isTooLarge == true)
            #expect(server.streams[0]?.headers.isEmpty == true)
            server.receive(0, Raw.data("ignored"), isFinal: true)
            #expect(server.streams[0]?.content.isEmpty == true)
            #expect(server.error == nil)
            server.receive(4, Raw.headers(Raw.get), isFinal: true)
            #expect(server.streams[4]?.isEnded == true)
        }
    }

    @Test func `A refused request can still be answered`() throws {
        var configuration = HTTP3Configuration()
        configuration.maxFieldSectionBytes = 600
        let server = Peer(.server, configuration)
        server.receive(0, Raw.headers(Raw.get + [("x", String(repeating: "a", count: 2000))]))
        try server.engine.submitResponse(stream: 0, prepared: Fields.response("431"), isFinal: true)
        #expect(server.takeOutput()[0]?.isEmpty == false)
    }

    @Test func `What the peer would refuse is not sent`() throws {
        var configuration = HTTP3Configuration()
        configuration.maxFieldSectionBytes = 1000
        let pair = Pair(seed: 1, configuration)
        pair.run()
        #expect(throws: HTTP3SendError.fieldSectionTooLarge(byteCount: 1509, limit: 1000)) {
            try pair.client.engine.submitRequest(
                stream: 0, prepared: Fields.request(),
                extra: [HeaderPair(name: "x", value: String(repeating: "a", count: 1107))], isFinal: true)
        }
        try pair.client.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
    }

    @Test func `Large fields pass within the limit`() throws {
        let seed = Seeded.fresh
        let pair = Pair(seed: seed)
        let value = String((0..<12_000).map { _ in "0123456789abcdef".randomElement() ?? "x" })
        try pair.client.engine.submitRequest(
            stream: 0, prepared: Fields.request(), extra: [HeaderPair(name: "x-long", value: value)], isFinal: true)
        pair.run()
        #expect(pair.server.streams[0]?.headers.first?.last == "x-long: \(value)", "seed \(seed)")
    }

    @Test func `A secret is marked and never cached`() throws {
        let pair = Pair(seed: 2)
        pair.run()
        for id in [Int64(0), 4] {
            try pair.client.engine.submitRequest(
                stream: id, prepared: Fields.request(),
                extra: [HeaderPair(name: "x-token", value: "secret", isSensitive: true)], isFinal: true)
        }
        var fields: [HeaderField] = []
        for (stream, bytes) in pair.client.takeOutput().sorted(by: { ($0.key & 2, $0.key) > ($1.key & 2, $1.key) }) {
            _ = try pair.server.engine.receive(
                stream: stream, bytes.span.bytes, isFinal: stream & 2 == 0, into: &pair.server.events)
        }
        fields = pair.server.events.fields.filter { $0.name == "x-token" }
        #expect(fields.count == 2 && fields.allSatisfy { $0.isSensitive })
        #expect(fields.count == 2 && fields[0] !== fields[1])
    }
}
