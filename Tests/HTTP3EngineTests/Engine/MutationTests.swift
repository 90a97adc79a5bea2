import HTTP3Engine
import NodeTransport
import Testing

@Suite("Whatever a peer sends, the engine stands")
struct MutationTests {
    /// What a client sends for a few calls, by stream.
    private static func recording() throws -> [Int64: [UInt8]] {
        let pair = Pair(seed: 9)
        pair.run()
        var recorded: [Int64: [UInt8]] = [:]
        for number in 0..<4 {
            let id = Int64(number) * 4
            try pair.client.engine.submitRequest(
                stream: id, prepared: Fields.request(), extra: [HeaderPair(name: "x-\(number)", value: "1")],
                isFinal: false)
            try pair.client.engine.submitBody(stream: id, payload: Bytes(utf8: "some content"), isFinal: false)
            try pair.client.engine.submitTrailers(stream: id, prepared: [], extra: Fields.trailers)
        }
        for (stream, bytes) in pair.client.takeOutput() { recorded[stream] = bytes }
        recorded[2] = Raw.control + Raw.frame(13, [1]) + Raw.frame(7, [4])
        recorded[6] = [2] + (recorded[6] ?? [])
        recorded[10] = [3, 0x40, 0x44]
        return recorded
    }

    @Test(arguments: 0..<40)
    func `Mutated streams end in an error with a code or in nothing`(round: Int) throws {
        let seed = Seeded.fresh
        var random = Seeded(seed)
        let recorded = try Self.recording()
        for _ in 0..<50 {
            var streams = recorded
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                guard let id = streams.keys.sorted().randomElement(using: &random), var bytes = streams[id],
                    !bytes.isEmpty
                else { continue }
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 2: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
                streams[id] = bytes
            }
            let server = Peer(.server)
            Self.feed(streams, to: server, &random)
            Self.check(server, "seed \(seed)")
        }
    }

    @Test(arguments: [HTTP3Role.client, .server])
    func `Noise on any stream ends in an error with a code or in nothing`(role: HTTP3Role) throws {
        let seed = Seeded.fresh
        var random = Seeded(seed)
        for _ in 0..<2000 {
            let peer = Peer(role)
            if role == .client {
                try peer.engine.submitRequest(stream: 0, prepared: Fields.request(), isFinal: true)
            }
            var streams: [Int64: [UInt8]] = [:]
            for id in role == .server ? [Int64(0), 2, 6, 10] : [0, 3, 7, 11] {
                let count = Int.random(in: 0...40, using: &random)
                var noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                // Half of it gets past the first byte.
                if Bool.random(using: &random), count > 0 { noise[0] = UInt8.random(in: 0...4, using: &random) }
                streams[id] = noise
            }
            Self.feed(streams, to: peer, &random)
            Self.check(peer, "seed \(seed)")
        }
    }

    private static func feed(_ streams: [Int64: [UInt8]], to peer: Peer, _ random: inout Seeded) {
        var left = streams
        while let id = left.keys.sorted().randomElement(using: &random), let bytes = left[id] {
            let count = Int.random(in: 0...bytes.count, using: &random)
            let isFinal = count == bytes.count && id & 2 == 0
            peer.receive(id, Array(bytes[..<count]), isFinal: isFinal)
            left[id] = count == bytes.count ? nil : Array(bytes[count...])
            if Int.random(in: 0..<20, using: &random) == 0 {
                peer.notice { (engine, events) throws(HTTP3Error) in
                    try engine.receivedReset(stream: id, .requestCancelled, into: &events)
                }
            }
        }
    }

    /// Credit is never more than what came, and what can be sent can be sent.
    private static func check(_ peer: Peer, _ comment: Comment) {
        if let error = peer.error {
            #expect((0x100...0x202).contains(error.code.rawValue), comment)
            #expect(!error.reason.isEmpty, comment)
        }
        for (id, stream) in peer.streams where stream.failure != nil {
            #expect(!stream.isEnded, "stream \(id)")
        }
        _ = peer.takeOutput()
    }
}
