import HTTP2Engine
import NodeTransport
import Testing

/// Hostile input must never trap, and never make an engine say more than it should.
@Suite struct MutationTests {
    private static let toServer: [[UInt8]] = [
        Raw.settings([(4, 1000), (1, 100), (5, 20_000)]), Raw.settingsAcknowledgement, Raw.ping(), Raw.open(1),
        Raw.data(1, [1, 2, 3, 4, 5], padding: 3), Raw.data(1, [6], endStream: true), Raw.open(3),
        Raw.frame(1, flags: 4, stream: 5, hex("8386 04 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff 40 0161 0162 be")),
        Raw.frame(1, flags: 5, stream: 7, hex("3f e1 1f 83 86 84 c0 bf be")), Raw.windowUpdate(0, 1000),
        Raw.headers(9, Raw.request, endHeaders: false), Raw.continuation(9, Raw.block([("a", "b")]), endHeaders: true),
        Raw.windowUpdate(3, 500), Raw.headers(3, [("x", "y")], endStream: true), Raw.reset(5, 8), Raw.goAway(0, 0),
        Raw.frame(2, stream: 9, [0, 0, 0, 1, 5]), Raw.frame(0xfa, stream: 1, [1, 2]), Raw.settings([(4, 5)]),
    ]

    private static let toClient: [[UInt8]] = [
        Raw.settings([(3, 50), (4, 3)]), Raw.settingsAcknowledgement, Raw.headers(1, [(":status", "103")]),
        Raw.headers(1, Raw.response), Raw.data(1, [1, 2, 3]), Raw.headers(1, [("grpc-status", "0")], endStream: true),
        Raw.headers(3, Raw.response + [("content-length", "4")]),
        Raw.data(3, [1, 2, 3, 4], endStream: true, padding: 9),
        Raw.windowUpdate(5, 100), Raw.reset(5, 7), Raw.ping(acknowledge: true), Raw.goAway(7, 0, debug: "x"),
        Raw.settings([(4, 70_000)]), Raw.windowUpdate(0, 100_000), Raw.frame(1, flags: 5, stream: 7, [0x88, 0xbe]),
    ]

    private static let content = Bytes.pattern(20_000)

    private func mutate(_ frames: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        var frames = frames
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let position = Int.random(in: 0..<frames.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: frames.swapAt(position, Int.random(in: 0..<frames.count, using: &random))
            case 1: frames.insert(frames[position], at: Int.random(in: 0..<frames.count, using: &random))
            default: frames.remove(at: position)
            }
        }
        var bytes = frames.flatMap(\.self)
        for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.remove(at: position)
            case 3: bytes.insert([0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0, at: position)
            default: bytes.removeLast(min(bytes.count, Int.random(in: 0...8, using: &random)))
            }
        }
        return bytes
    }

    /// Feeds `bytes` in random pieces and, between them, does what an owner does.
    private func feed(_ engine: TestEngine, _ bytes: [UInt8], _ random: inout SeededGenerator) {
        var rest = bytes[...]
        var next = 0
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...200, using: &random))
            rest = rest.dropFirst(piece.count)
            engine.takesContentItself = Bool.random(using: &random)
            engine.receive(Array(piece))
            guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
            for handle in engine.handles.values.sorted(by: { $0.id < $1.id }) {
                switch Int.random(in: 0..<6, using: &random) {
                case 0: engine.sendHeaders(handle, [PreparedField(name: ":status", value: "200")])
                case 1: engine.sendData(handle, Self.content.slice(0..<Int.random(in: 0...9000, using: &random)))
                case 2: engine.sendTrailers(handle, [PreparedField(name: "grpc-status", value: "0")])
                case 3: engine.engine.reset(handle, .cancel)
                case 4: engine.engine.consume(handle, Int.random(in: 0...100, using: &random))
                default: engine.engine.endStream(handle)
                }
            }
            next += engine.takeOutput(limit: Int.random(in: 0...5000, using: &random)).count
        }
        engine.receiveEOF()
        _ = engine.takeOutput()
    }

    /// What must hold for whatever has happened.
    private func check(_ engine: TestEngine, _ comment: Comment) {
        var ended: Set<UInt32> = []
        var failures = 0
        for event in engine.seen {
            #expect(failures == 0, comment)
            switch event {
            case .headers(let id, _, _), .data(let id, _, _), .trailers(let id, _), .headersTooLarge(let id),
                .reset(let id, _, _), .unprocessed(let id), .drained(let id):
                #expect(!ended.contains(id), comment)
            case .closed(let id):
                #expect(ended.insert(id).inserted, comment)
            case .connectionFailed:
                failures += 1
            default:
                break
            }
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `a server survives mutated input`(seed: UInt64) {
        for round in 0..<1000 {
            var random = SeededGenerator(seed: seed << 32 | UInt64(round))
            let server = TestEngine(.server)
            server.engine.start()
            feed(server, Raw.preface + mutate(Self.toServer, &random), &random)
            check(server, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `a client survives mutated input`(seed: UInt64) throws {
        for round in 0..<1000 {
            var random = SeededGenerator(seed: seed << 32 | UInt64(round))
            let client = TestEngine(.client)
            client.engine.start()
            for _ in 0..<4 {
                let handle = try client.open()
                client.sendData(handle, Self.content.slice(0..<Int.random(in: 0...20_000, using: &random)))
            }
            feed(client, mutate(Self.toClient, &random), &random)
            check(client, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `noise behind the handshake does no harm`(seed: UInt64) {
        for round in 0..<100 {
            var random = SeededGenerator(seed: seed << 32 | UInt64(round))
            let server = TestEngine.server()
            let noise = (0..<300).flatMap { _ -> [UInt8] in
                let payload = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let stream = UInt32.random(in: 0...9, using: &random)
                let flags = UInt8.random(in: 0...255, using: &random)
                return Raw.frame(UInt8.random(in: 0...10, using: &random), flags: flags, stream: stream, payload)
            }
            feed(server, noise, &random)
            check(server, "seed \(seed), round \(round)")
        }
    }
}
