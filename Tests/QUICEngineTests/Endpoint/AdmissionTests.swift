import NodeTransport
import QUICEngine
import Testing

@Suite("QUIC admission")
struct AdmissionTests {
    @Test func `Retry makes the client prove its address, and costs one round trip`() throws {
        var configuration = QUICConfiguration()
        configuration.retry = .always
        let plain = try Pair()
        let start = plain.now
        try plain.handshake()
        let plainTime = plain.now - start

        let pair = try Pair(serverConfiguration: configuration)
        try pair.connect()
        var connectionsBeforeProof = -1
        var count = 0
        pair.tap = { [unowned pair] in
            if $0.to == pair.server.address {
                count += 1
                if count == 2 { connectionsBeforeProof = pair.server.endpoint.connectionCount }
            }
            return $0.bytes
        }
        let retryStart = pair.now
        #expect(pair.run { pair.client.confirmed == 1 && pair.server.confirmed == 1 })
        #expect(connectionsBeforeProof == 0)
        #expect(pair.now - retryStart == plainTime + 2 * pair.link.delay)
    }

    @Test func `A token from an earlier visit spares the Retry, but not to another address`() throws {
        var configuration = QUICConfiguration()
        configuration.retry = .always
        let pair = try Pair(serverConfiguration: configuration)
        try pair.handshake()
        #expect(pair.run { !pair.client.tokens.isEmpty })
        let token = try #require(pair.client.tokens.last)

        func timeToConnect(_ token: Bytes?) throws -> QUICTime {
            let start = pair.now
            let confirmed = pair.client.confirmed
            try pair.connect(token: token)
            #expect(pair.run { pair.client.confirmed > confirmed })
            return pair.now - start
        }
        let withToken = try timeToConnect(token)
        #expect(try timeToConnect(nil) == withToken + 2 * pair.link.delay)
        pair.client.address = try #require(QUICAddress("10.7.7.7", port: 50_000))
        #expect(try timeToConnect(token) == withToken + 2 * pair.link.delay)
    }

    @Test func `A forged Retry token is refused with INVALID_TOKEN`() throws {
        var configuration = QUICConfiguration()
        configuration.retry = .always
        let pair = try Pair(serverConfiguration: configuration)
        // 0xb6 marks a token of Retry.
        try pair.connect(token: Bytes([0xb6] + [UInt8](repeating: 3, count: 60)))
        #expect(pair.run { !pair.client.closes.isEmpty })
        guard case .transport(0x0b, _, byPeer: true) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect(pair.server.refusals == [.invalidToken])
    }

    @Test func `Over the limit of connections a client is refused, and told so`() throws {
        var configuration = QUICConfiguration()
        configuration.maxConnections = 2
        let pair = try Pair(serverConfiguration: configuration)
        for _ in 0..<2 { try pair.handshake() }
        try pair.connect()
        #expect(pair.run { !pair.client.closes.isEmpty })
        guard case .transport(0x02, _, byPeer: true) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect(pair.server.refusals.first == .connections)
    }

    @Test func `Over the limit of handshakes under way a client is refused`() throws {
        var configuration = QUICConfiguration()
        configuration.maxHalfOpenConnections = 3
        let pair = try Pair(serverConfiguration: configuration)
        // Clients that fall silent.
        pair.tap = { [unowned pair] in $0.to == pair.client.address ? nil : $0.bytes }
        for _ in 0..<4 { try pair.connect() }
        pair.pass(.milliseconds(100))
        #expect(pair.server.endpoint.halfOpenCount == 3)
        #expect(pair.server.refusals.contains(.halfOpenConnections))
        // The slots come back.
        pair.pass(.seconds(12))
        #expect(pair.server.endpoint.halfOpenCount == 0)
    }

    @Test func `One address opens so many connections and no more, another one does not suffer`() throws {
        var configuration = QUICConfiguration()
        configuration.newConnectionBurstPerAddress = 4
        configuration.newConnectionsPerSecondPerAddress = 1
        let pair = try Pair(serverConfiguration: configuration)
        for _ in 0..<6 { try pair.connect() }
        #expect(pair.run { pair.client.confirmed + pair.client.closes.count == 6 })
        #expect(pair.client.confirmed == 4)
        #expect(pair.server.refusals == [.newConnectionsPerAddress, .newConnectionsPerAddress])
        pair.client.address = try #require(QUICAddress("10.0.0.99", port: 1))
        try pair.handshake()
        pair.client.address = try #require(QUICAddress("10.0.0.1", port: 1))
        pair.pass(.seconds(3))
        try pair.handshake()
    }

    @Test func `Before the address is proved the server sends at most three times what it received`() throws {
        let pair = try Pair()
        var toServer = 0
        pair.tap = { [unowned pair] in
            if $0.to == pair.server.address {
                // Only the first packet arrives: its sender was forged.
                guard toServer == 0 else { return nil }
                toServer = $0.bytes.count
            }
            return $0.bytes
        }
        try pair.connect()
        pair.pass(.seconds(15))
        #expect(toServer >= 1200)
        #expect(pair.bytesToClient > toServer && pair.bytesToClient <= 3 * toServer)
    }
}
