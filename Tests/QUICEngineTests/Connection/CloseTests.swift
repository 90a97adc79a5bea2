import NodeTransport
import QUICEngine
import Testing

@Suite("The end of a QUIC connection")
struct CloseTests {
    @Test func `An application's code and reason reach the peer, and nothing is left after a while`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        let stream = try connection.openStream(isBidirectional: true)
        connection.close(code: 1234, reason: "enough", now: pair.now)
        #expect(pair.run { pair.server.closes.count == 1 })
        guard case .application(1234, "enough", byPeer: true) = pair.server.closes.first,
            case .application(1234, "enough", byPeer: false) = pair.client.closes.first
        else {
            Issue.record("\(pair.server.closes) \(pair.client.closes)")
            return
        }
        #expect(stream.isClosed && connection.isClosed)
        #expect(connection.write(stream, "late") == .closed)
        #expect(throws: QUICError.self) { try connection.openStream(isBidirectional: true) }
        pair.pass(.seconds(10))
        #expect(pair.client.endpoint.knownConnectionCount == 0 && pair.server.endpoint.knownConnectionCount == 0)
        #expect(pair.client.endpoint.nextDeadline == nil && pair.server.endpoint.nextDeadline == nil)
    }

    @Test func `A transport code reaches the peer as such`() throws {
        let pair = try Pair()
        try pair.handshake()
        pair.server.connection?.close(code: 0, reason: "going", isApplication: false, now: pair.now)
        #expect(pair.run { pair.client.closes.count == 1 })
        guard case .transport(0, "going", byPeer: true) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
    }

    @Test func `A close that was lost is repeated when the peer goes on talking`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        pair.link.loss = 1
        pair.server.connection?.close(code: 5, now: pair.now)
        pair.settle()
        pair.link.loss = 0
        let stream = try connection.openStream(isBidirectional: true)
        _ = connection.write(stream, "hello?")
        #expect(pair.run(for: .milliseconds(100)) { pair.client.closes.count == 1 })
        guard case .application(5, _, byPeer: true) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
    }

    @Test func `Closing during the handshake tells the peer`() throws {
        let pair = try Pair()
        let connection = try pair.connect()
        #expect(pair.run { pair.server.connections.count == 1 })
        connection.close(code: 3, now: pair.now)
        #expect(pair.run { pair.server.closes.count == 1 })
        // RFC 9000 §10.2.3: before the handshake is done, APPLICATION_ERROR hides the code.
        guard case .transport(0x0c, _, byPeer: true) = pair.server.closes.first else {
            Issue.record("\(pair.server.closes)")
            return
        }
        #expect(pair.server.endpoint.halfOpenCount == 0)
    }

    @Test func `A connection outlives its endpoint as a closed one`() throws {
        var pair: Pair? = try Pair()
        let connection = try #require(try pair?.handshake())
        let stream = try connection.openStream(isBidirectional: true)
        pair = nil
        #expect(connection.isClosed && stream.isClosed)
        #expect(connection.write(stream, "x") == .closed)
        #expect(throws: QUICError.self) { try connection.sendDatagram([1]) }
    }

    @Test func `Connections are freed with their endpoints`() throws {
        weak var client: QUICConnection?
        weak var server: QUICConnection?
        do {
            let pair = try Pair()
            let connection = try pair.handshake()
            let stream = try connection.openStream(isBidirectional: true)
            _ = connection.write(stream, Bytes(repeating: 1, count: 1 << 20))
            pair.pass(.milliseconds(7))
            client = connection
            server = pair.server.connection
            #expect(client != nil && server != nil)
        }
        #expect(client == nil && server == nil)
    }
}
