import NodeTransport
import QUICEngine
import Testing

@Suite("QUIC handshakes")
struct HandshakeTests {
    @Test func `A client and a server agree, and the server learns the name that was asked for`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        #expect(connection.applicationProtocol == "echo")
        #expect(pair.server.connection?.applicationProtocol == "echo")
        #expect(pair.server.connection?.serverName == "localhost")
        #expect(connection.handshakeParameters?.cipher == "AES-128-GCM")
        #expect(try connection.presentedChain == TestIdentity.server.get().chain)
        #expect(pair.server.endpoint.halfOpenCount == 0)
        #expect(pair.server.endpoint.connectionCount == 1)
    }

    @Test func `The client's verifier sees the chain and the name, and its refusal reaches both ends`() throws {
        let pair = try Pair(
            clientCredentials: .client { chain, name in
                .refuse(alert: 46, error: Refusal(text: "\(chain.count) \(name ?? "-")"))
            })
        try pair.connect()
        #expect(pair.run { !pair.client.closes.isEmpty && !pair.server.closes.isEmpty })
        guard case .certificateRefused(46, let error) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect(error as? Refusal == Refusal(text: "1 localhost"))
        guard case .tls(46, _, byPeer: true) = pair.server.closes.first else {
            Issue.record("\(pair.server.closes)")
            return
        }
    }

    @Test func `A server that requires a certificate accepts one and sees it`() throws {
        let pair = try Pair(
            clientCredentials: .client(certificate: true), serverCredentials: .server(clients: .required))
        try pair.handshake()
        #expect(try pair.server.connection?.presentedChain == TestIdentity.client.get().chain)
    }

    @Test func `A server's refusal of a client certificate reaches both ends`() throws {
        let pair = try Pair(
            clientCredentials: .client(certificate: true),
            serverCredentials: .server(clients: .required) { _, _ in
                .refuse(alert: 44, error: Refusal(text: "revoked"))
            })
        try pair.connect()
        #expect(pair.run { !pair.client.closes.isEmpty && !pair.server.closes.isEmpty })
        guard case .certificateRefused(44, let error) = pair.server.closes.first else {
            Issue.record("\(pair.server.closes)")
            return
        }
        #expect(error as? Refusal == Refusal(text: "revoked"))
        guard case .tls(44, _, byPeer: true) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect(pair.client.confirmed == 0)
    }

    @Test func `A client without the certificate that is required is refused`() throws {
        let pair = try Pair(serverCredentials: .server(clients: .required))
        try pair.connect()
        #expect(pair.run { !pair.client.closes.isEmpty && !pair.server.closes.isEmpty })
        guard case .tls(116, _, byPeer: true) = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect(pair.server.completed == 0)
    }

    @Test func `A client without the certificate that is only asked for is let in`() throws {
        let pair = try Pair(
            serverCredentials: .server(clients: .requested) { _, _ in .refuse(alert: 42, error: Refusal(text: "")) })
        try pair.handshake()
        #expect(pair.server.connection?.presentedChain.isEmpty == true)
    }

    @Test func `Ends without a common application protocol part with that alert`() throws {
        let pair = try Pair(clientCredentials: .client(alpn: ["other"]))
        try pair.connect()
        #expect(pair.run { !pair.client.closes.isEmpty && !pair.server.closes.isEmpty })
        guard case .tls(120, _, byPeer: false) = pair.server.closes.first,
            case .tls(120, _, byPeer: true) = pair.client.closes.first
        else {
            Issue.record("\(pair.server.closes) \(pair.client.closes)")
            return
        }
    }

    @Test func `A handshake that nobody answers ends after its timeout`() throws {
        let pair = try Pair(link: Link(loss: 1))
        let start = pair.now
        try pair.connect()
        #expect(pair.run { !pair.client.closes.isEmpty })
        guard case .handshakeTimeout = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
        #expect((pair.now - start) / 1_000_000_000 == 10)
        #expect(pair.client.endpoint.knownConnectionCount == 0)
    }

    @Test func `A silent connection ends after the idle timeout on both sides, and nothing of it is left`() throws {
        let pair = try Pair()
        try pair.handshake()
        let start = pair.now
        #expect(pair.run { !pair.client.closes.isEmpty && !pair.server.closes.isEmpty })
        guard case .idleTimeout = pair.client.closes.first, case .idleTimeout = pair.server.closes.first else {
            Issue.record("\(pair.client.closes) \(pair.server.closes)")
            return
        }
        #expect((29...31).contains((pair.now - start) / 1_000_000_000))
        #expect(pair.client.endpoint.knownConnectionCount == 0 && pair.server.endpoint.knownConnectionCount == 0)
        #expect(pair.client.endpoint.nextDeadline == nil && pair.server.endpoint.nextDeadline == nil)
    }

    @Test func `Keep-alive holds a silent connection open`() throws {
        let pair = try Pair()
        try pair.handshake().keepAlive(every: .seconds(10))
        pair.pass(.seconds(120))
        #expect(pair.client.closes.isEmpty && pair.server.closes.isEmpty)
    }

    @Test func `Fifty seeds shake hands at thirty percent loss`() throws {
        var configuration = QUICConfiguration()
        configuration.handshakeTimeout = .seconds(60)
        for seed in UInt64(1)...50 {
            let pair = try Pair(
                clientConfiguration: configuration, serverConfiguration: configuration,
                link: Link(jitter: .milliseconds(10), loss: 0.3, duplication: 0.05), seed: seed)
            try pair.connect()
            let isDone = pair.run { pair.client.confirmed == 1 && pair.server.confirmed == 1 }
            #expect(isDone, "seed \(seed): \(pair.client.closes) \(pair.server.closes)")
        }
    }
}
