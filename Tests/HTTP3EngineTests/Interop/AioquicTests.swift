import Foundation
import HTTP3Engine
import NodeTransport
import Testing

@Suite("aioquic's HTTP/3 layer understands us, and we it", .serialized, .timeLimit(.minutes(2)))
struct AioquicTests {
    /// Carries bytes both ways, cut by a seed, until `isDone`. Answers the peer's lines that are no stream bytes.
    private func exchange(
        _ ours: Peer, _ theirs: PipePeer, seed: UInt64, until isDone: ([String]) -> Bool
    ) throws -> [String] {
        var random = Seeded(seed)
        var lines: [String] = []
        for _ in 0..<400 where !isDone(lines) && ours.error == nil {
            try ours.withSegments { segments -> Result<Void, any Error> in
                Result {
                    while let write = try ours.engine.nextWrite(into: segments) {
                        let offered = Peer.bytes(segments, write)
                        let count = min(offered.count, Int.random(in: 1...700, using: &random))
                        try theirs.send(
                            write.stream, Array(offered[..<count]), isFinal: write.isFinal && count == offered.count)
                        ours.engine.didWrite(stream: write.stream, byteCount: count, into: &ours.events)
                        ours.engine.acknowledged(stream: write.stream, byteCount: count)
                    }
                }
            }.get()
            for line in try theirs.flush() {
                let words = line.split(separator: " ")
                guard words.count == 3, let stream = Int64(words[0]) else {
                    lines.append(line)
                    continue
                }
                var bytes = PipePeer.bytes(words[1])[...]
                repeat {
                    let piece = bytes.prefix(Int.random(in: 1...200, using: &random))
                    bytes = bytes.dropFirst(piece.count)
                    ours.receive(stream, Array(piece), isFinal: bytes.isEmpty && words[2] == "1")
                } while !bytes.isEmpty
            }
        }
        return lines
    }

    @Test(.enabled(if: PipePeer.isThere))
    func `Our client is answered by aioquic`() async throws {
        try await OwnThread.run {
            let seed = Seeded.fresh
            let client = Peer(.client)
            let server = try PipePeer(["server"])
            // The settings first: without them there is no dynamic table.
            _ = try exchange(client, server, seed: seed) { _ in client.engine.hasReceivedSettings }
            let fields = ["x-one: 1", "x-two: \(String(repeating: "2", count: 200))"]
            for number in 0..<30 {
                let id = Int64(number) * 4
                try client.engine.submitRequest(
                    stream: id, prepared: Fields.request(),
                    extra: [
                        HeaderPair(name: "x-one", value: "1"),
                        HeaderPair(name: "x-two", value: String(repeating: "2", count: 200)),
                    ], isFinal: false)
                try client.engine.submitBody(
                    stream: id, prefix: 7, prefixCount: 5,
                    payload: Bytes([UInt8](repeating: UInt8(number), count: number * 40)),
                    isFinal: false)
                try client.engine.submitTrailers(
                    stream: id, prepared: [], extra: [HeaderPair(name: "x-end", value: "\(number)")])
            }
            let lines = try exchange(client, server, seed: seed) { _ in
                (0..<30).allSatisfy { client.streams[Int64($0) * 4]?.isEnded == true }
            }
            #expect(lines.isEmpty && client.error == nil, "seed \(seed): \(lines)")
            for number in 0..<30 {
                let response = try #require(client.streams[Int64(number) * 4], "seed \(seed)")
                #expect(response.headers == [[":status: 200", "content-type: application/grpc"] + fields])
                #expect(response.content == [0, 0, 0, 0, 7] + [UInt8](repeating: UInt8(number), count: number * 40))
                #expect(response.trailers == ["grpc-status: 0", "x-end: \(number)"])
            }
            // Its decoder counts no insertions, and has the table used all the same.
            try client.engine.submitRequest(stream: 120, prepared: Fields.request(), isFinal: true)
            #expect(client.engine.queuedBytes(120) < 20, "seed \(seed)")
            _ = try exchange(client, server, seed: seed) { _ in client.streams[120]?.isEnded == true }
            #expect(client.streams[120]?.headers == [[":status: 200", "content-type: application/grpc"]])
        }
    }

    private struct Response: Decodable {
        var stream: Int64
        var sections: [[[String]]]
        var content: String
    }

    @Test(.enabled(if: PipePeer.isThere))
    func `Our server answers aioquic`() async throws {
        try await OwnThread.run {
            let seed = Seeded.fresh
            let server = Peer(.server)
            server.onEvent = { server, event in
                guard case .end(let id) = event, let request = server.streams[id] else { return }
                let extra = request.headers[0].filter { $0.hasPrefix("x-") }.map { field in
                    HeaderPair(
                        name: String(field.prefix { $0 != ":" }), value: String(field.drop { $0 != ":" }.dropFirst(2)))
                }
                try? server.engine.submitResponse(stream: id, prepared: Fields.response(), extra: extra, isFinal: false)
                try? server.engine.submitBody(stream: id, payload: Bytes(request.content), isFinal: false)
                let trailer = HeaderPair(name: "x-trailer", value: String((request.trailers?.first ?? "").suffix(2)))
                try? server.engine.submitTrailers(stream: id, prepared: [], extra: [trailer])
            }
            let client = try PipePeer(["client", "--requests", "20"])
            let lines = try exchange(server, client, seed: seed) { lines in lines.count == 20 }
            #expect(lines.count == 20 && server.error == nil, "seed \(seed): \(String(describing: server.error))")
            for (number, line) in lines.enumerated() {
                let text = try #require(line.hasPrefix("RESPONSE ") ? line.dropFirst(9) : nil, "seed \(seed): \(line)")
                let response = try JSONDecoder().decode(Response.self, from: Data(text.utf8))
                #expect(response.stream == Int64(number) * 4)
                let pairs = response.sections[0].map { $0.joined(separator: ": ") }
                #expect(
                    pairs == [
                        ":status: 200", "content-type: application/grpc", "x-number: \(number % 3)",
                        "x-long: \(String(repeating: "l", count: 300))",
                    ])
                let content = String(repeating: "content \(number) ", count: number * 50 + 1)
                #expect(PipePeer.bytes(response.content[...]) == Array(content.utf8))
                #expect(response.sections.count == 2)
            }
        }
    }
}
