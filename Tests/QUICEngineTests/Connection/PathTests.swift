import NodeTransport
import QUICEngine
import Testing

@Suite("QUIC paths and keys")
struct PathTests {
    private func echo(_ pair: Pair, _ connection: QUICConnection, _ text: String) throws {
        let stream = try connection.openStream(isBidirectional: true)
        _ = connection.write(stream, Bytes(utf8: text), isLast: true)
        #expect(pair.run { pair.client.closedStreams[stream.id] != nil }, "\(pair.client.closes) \(pair.server.closes)")
        #expect(pair.client.received[stream.id] == Array(text.utf8))
    }

    @Test(arguments: [true, false])
    func `A client moves to another address, at once or when it has proved to work`(isImmediate: Bool) throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        try echo(pair, connection, "before")
        pair.pass(.milliseconds(100))
        let moved = pair.client.address.withPort(50_001)
        pair.client.others = [pair.client.address]
        pair.client.address = moved
        try connection.migrate(to: moved, isImmediate: isImmediate, now: pair.now)
        #expect(pair.run { pair.client.validations.contains { $0.1 && $0.0.local == moved } })
        try echo(pair, connection, "after")
        #expect(connection.path.local == moved)
        #expect(pair.server.connection?.path.remote == moved)
        #expect(pair.server.pathChanges.last?.remote == moved)
    }

    @Test func `A client whose address changes underneath it goes on`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        try echo(pair, connection, "before")
        pair.mapped = QUICAddress("10.9.9.9", port: 7)
        try echo(pair, connection, "after")
        #expect(pair.server.pathChanges.last?.remote == pair.mapped)
        #expect(pair.run { pair.server.validations.contains { $0.1 } })
    }

    @Test func `A server does not migrate, nor does a client before its handshake is confirmed`() throws {
        let pair = try Pair()
        let connection = try pair.connect()
        let other = pair.client.address.withPort(9)
        #expect(throws: QUICError.self) { try connection.migrate(to: other, isImmediate: true, now: pair.now) }
        #expect(pair.run { pair.client.confirmed == 1 })
        let server = try #require(pair.server.connection)
        #expect(throws: QUICError.self) { try server.migrate(to: other, isImmediate: true, now: pair.now) }
    }

    @Test func `The keys change, and change again`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        try echo(pair, connection, "first")
        #expect(pair.client.keyUpdates == 0)
        for round in 1...3 {
            try connection.initiateKeyUpdate(now: pair.now)
            try echo(pair, connection, "round \(round)")
            // The next keys are made ready by traffic, once these have proved to work.
            pair.pass(.seconds(2))
            try echo(pair, connection, "then")
            #expect(pair.client.keyUpdates == round && pair.server.keyUpdates == round)
        }
        #expect(connection.statistics.keyUpdates == 3)
    }

    @Test func `What the path lets through is found out, and datagrams grow with it`() throws {
        for limit in [1400, 1452] {
            let pair = try Pair()
            pair.tap = { $0.bytes.count <= limit ? $0.bytes : nil }
            let connection = try pair.handshake()
            pair.pass(.seconds(20))
            #expect(connection.maxDatagramBytes > (limit == 1452 ? 1350 : 1200))
            #expect(connection.maxDatagramBytes < limit)
            try echo(pair, connection, String(repeating: "x", count: 20_000))
        }
    }

    @Test func `Figures tell the round-trip time and what went over the wire`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        try echo(pair, connection, String(repeating: "x", count: 100_000))
        let statistics = connection.statistics
        #expect((10_000_000...12_000_000).contains(statistics.minimumRoundTrip))
        #expect(statistics.bytesSent == UInt64(pair.bytesToServer) && statistics.bytesReceived > 100_000)
        #expect(statistics.congestionWindowBytes > 10_000 && statistics.lostStreamPackets == 0)
    }
}
