import NodeTransport
import QUICEngine
import Synchronization
import Testing

@Suite("QUIC resumption")
struct ResumptionTests {
    private func session(_ pair: Pair) throws -> QUICSession {
        let connection = try pair.handshake()
        #expect(pair.run { !pair.client.tickets.isEmpty })
        let session = try #require(pair.client.tickets.last)
        connection.close(code: 0, now: pair.now)
        pair.pass(.seconds(5))
        // It may lie on a disk between two connections.
        return try #require(QUICSession(serialized: session.serialized))
    }

    @Test func `A session is resumed, and the presented chain comes along to be judged again`() throws {
        let judged = Mutex<[[Bytes]]>([])
        let pair = try Pair(
            clientCredentials: .client { chain, _ in
                judged.withLock { $0.append(chain) }
                return .accept
            })
        let kept = try session(pair)
        let connection = try pair.connect(session: kept)
        #expect(pair.run { pair.client.confirmed == 2 })
        #expect(connection.isResumed && pair.server.connection?.isResumed == true)
        let chain = try TestIdentity.server.get().chain
        #expect(connection.presentedChain == chain)
        #expect(judged.withLock { $0 } == [chain, chain])
        // The early data flag is off.
        #expect(!connection.isEarlyDataAccepted)
    }

    @Test func `A session whose chain is not accepted any more leads to a full handshake`() throws {
        let isRefusing = Mutex(false)
        let calls = Mutex(0)
        let pair = try Pair(
            clientCredentials: .client { _, _ in
                calls.withLock { $0 += 1 }
                return isRefusing.withLock { $0 } ? .refuse(alert: 45, error: Refusal(text: "")) : .accept
            })
        let kept = try session(pair)
        isRefusing.withLock { $0 = true }
        try pair.connect(session: kept)
        #expect(pair.run { pair.client.closes.count == 2 })
        guard case .certificateRefused(45, _) = pair.client.closes.last else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect(calls.withLock { $0 } == 3)
    }

    @Test func `Early data arrives with the first packet`() throws {
        let pair = try Pair(
            clientCredentials: .client(earlyData: true), serverCredentials: .server(earlyData: true))
        let kept = try session(pair)
        let connection = try pair.connect(session: kept)
        let stream = try connection.openStream(isBidirectional: true)
        _ = connection.write(stream, "early", isLast: true)
        let start = pair.now
        #expect(pair.run { pair.server.received[stream.id] == Array("early".utf8) })
        #expect(pair.now - start == pair.link.delay)
        #expect(kept.allowsEarlyData)
        #expect(pair.run { pair.client.received[stream.id] == Array("early".utf8) })
        #expect(connection.isEarlyDataAccepted)
        // The answer comes with the server's first flight.
        #expect(pair.now - start == 2 * pair.link.delay)
    }

    @Test func `A server that takes no early data says so, and the connection goes on without`() throws {
        let credentials = try QUICCredentials.client(earlyData: true)
        let pair = try Pair(clientCredentials: credentials, serverCredentials: .server(earlyData: true))
        let kept = try session(pair)
        // Another server, which does not know the ticket.
        let other = try Pair(clientCredentials: credentials, serverCredentials: .server())
        let connection = try other.connect(session: kept)
        let early = try connection.openStream(isBidirectional: true)
        _ = connection.write(early, "early", isLast: true)
        #expect(other.run { other.client.confirmed == 1 })
        #expect(other.client.earlyDataRejections == 1)
        #expect(early.isClosed && !connection.isResumed)
        #expect(other.server.received.isEmpty)
        let again = try connection.openStream(isBidirectional: true)
        _ = connection.write(again, "late", isLast: true)
        #expect(other.run { other.client.received[again.id] == Array("late".utf8) })
    }

    @Test func `A ticket that allows no early data is not asked for any`() throws {
        let pair = try Pair(clientCredentials: .client(earlyData: true), serverCredentials: .server())
        let kept = try session(pair)
        #expect(!kept.allowsEarlyData)
        let connection = try pair.connect(session: kept)
        #expect(!connection.offersEarlyData)
        #expect(throws: QUICError.self) { try connection.openStream(isBidirectional: true) }
        #expect(pair.run { pair.client.confirmed == 2 })
        #expect(connection.isResumed && pair.client.earlyDataRejections == 0)
    }

    @Test func `Replayed early data is not taken`() throws {
        let pair = try Pair(
            clientCredentials: .client(earlyData: true), serverCredentials: .server(earlyData: true))
        let kept = try session(pair)
        var firstFlight: [[UInt8]] = []
        pair.tap = { [unowned pair] in
            if $0.to == pair.server.address && firstFlight.count < 2 { firstFlight.append($0.bytes) }
            return $0.bytes
        }
        let connection = try pair.connect(session: kept)
        let stream = try connection.openStream(isBidirectional: true)
        _ = connection.write(stream, "early", isLast: true)
        #expect(pair.run { pair.client.closedStreams[stream.id] != nil })
        connection.close(code: 0, now: pair.now)
        pair.pass(.seconds(20))
        let opened = pair.server.connections.count
        pair.server.received = [:]
        let thief = try #require(QUICAddress("10.0.0.66", port: 666))
        for bytes in firstFlight { pair.inject(bytes, to: pair.server, from: thief) }
        pair.pass(.seconds(1))
        #expect(pair.server.connections.count > opened)
        #expect(pair.server.received.isEmpty)
    }

    @Test func `A server that asks for certificates gives no tickets`() throws {
        let pair = try Pair(
            clientCredentials: .client(certificate: true), serverCredentials: .server(clients: .required))
        try pair.handshake()
        pair.pass(.seconds(1))
        #expect(pair.client.tickets.isEmpty)
    }

    @Test func `Only whole sessions are read back`() throws {
        let pair = try Pair()
        let bytes = try session(pair).serialized
        for count in 0..<bytes.count {
            // A cut between two certificates leaves a session with a shorter chain, which no verifier accepts.
            _ = QUICSession(serialized: bytes.slice(0..<count))
        }
        #expect(QUICSession(serialized: bytes.slice(0..<bytes.count - 1)) == nil)
        #expect(QUICSession(serialized: Bytes()) == nil)
        #expect(QUICSession(serialized: [2, 255, 255, 255, 255]) == nil)
    }
}
