import NodeTransport
import QUICEngine
import Testing

@Suite("Hostile QUIC datagrams")
struct GarbageTests {
    @Test func `Garbage does no harm to connections that are open`() throws {
        for seed in UInt64(1)...5 {
            let pair = try Pair(seed: seed)
            let connection = try pair.handshake()
            var generator = SeededGenerator(seed &+ 1000)
            let stranger = try #require(QUICAddress("10.0.0.5", port: 5))
            for _ in 0..<2000 {
                var bytes = generator.bytes(Int.random(in: 0...1400, using: &generator))
                if !bytes.isEmpty && generator.chance(0.7) {
                    // Looks like QUIC, version 1.
                    bytes[0] |= 0xc0
                    if bytes.count > 4 { bytes.replaceSubrange(1...4, with: [0, 0, 0, 1]) }
                }
                let node = generator.chance(0.5) ? pair.server : pair.client
                pair.inject(
                    bytes, to: node,
                    from: generator.chance(0.5) ? stranger : (node === pair.server ? pair.client : pair.server).address)
            }
            let stream = try connection.openStream(isBidirectional: true)
            _ = connection.write(stream, "still there", isLast: true)
            #expect(pair.run { pair.client.closedStreams[stream.id] != nil }, "seed \(seed) \(pair.client.closes)")
            #expect(pair.client.received[stream.id] == Array("still there".utf8))
            pair.pass(.seconds(40))
        }
    }

    @Test func `Mutations of real datagrams do no harm`() throws {
        for seed in UInt64(1)...20 {
            let pair = try Pair(seed: seed)
            var generator = SeededGenerator(seed &+ 2000)
            pair.tap = { [unowned pair] datagram in
                let node = datagram.to == pair.server.address ? pair.server : pair.client
                for _ in 0..<3 where generator.chance(0.5) {
                    var bytes = datagram.bytes
                    for _ in 0..<Int.random(in: 1...4, using: &generator) {
                        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8(
                            truncatingIfNeeded: generator.next())
                    }
                    if generator.chance(0.2) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
                    if generator.chance(0.2) { bytes += generator.bytes(30) }
                    pair.inject(bytes, to: node, from: datagram.from)
                }
                return datagram.bytes
            }
            let connection = try pair.handshake()
            for index in 0..<10 {
                let stream = try connection.openStream(isBidirectional: true)
                let body = generator.bytes(5000)
                _ = connection.write(stream, Bytes(body), isLast: true)
                #expect(pair.run { pair.client.closedStreams[stream.id] != nil }, "seed \(seed) stream \(index)")
                #expect(pair.client.received[stream.id] == body, "seed \(seed)")
            }
        }
    }

    @Test func `A flood of first packets that lead nowhere leaves nothing behind`() throws {
        var configuration = QUICConfiguration()
        configuration.newConnectionBurstPerAddress = 1e6
        let pair = try Pair(serverConfiguration: configuration)
        var first: [UInt8] = []
        pair.tap = { [unowned pair] in
            if first.isEmpty && $0.to == pair.server.address { first = $0.bytes }
            return $0.bytes
        }
        try pair.handshake()
        var generator = SeededGenerator(8)
        for index in 0..<500 {
            // Another destination ID each time; the packet's protection is wrong then.
            first.replaceSubrange(6..<14, with: generator.bytes(8))
            let stranger = try #require(QUICAddress("10.1.\(index / 250).\(index % 250)", port: 5))
            pair.inject(first, to: pair.server, from: stranger)
        }
        pair.pass(.milliseconds(10))
        // They are gone at once, not only when a handshake would have timed out.
        #expect(pair.server.endpoint.halfOpenCount == 0)
        pair.pass(.seconds(60))
        #expect(pair.server.endpoint.knownConnectionCount == 0)
    }
}
