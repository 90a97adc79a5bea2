import ForeignPeers
import Foundation
import NodeTransport
import Testing
import TransportTLS

@testable import QUICTransport

/// A client comes back to a server that asks for no certificate.
@Suite("Resumption over QUIC", .timeLimit(.minutes(1)))
struct ResumptionTests {
    private let identities = TestIdentities.shared

    /// Servers that judge their clients give no tickets.
    private var open: TLSConfiguration {
        var tls = identities.mutual
        tls.clientAuthentication = .none
        return tls
    }

    /// Makes a connection and a call, after which the ticket has come; answers whether it was resumed.
    private func visit(_ client: QUICTransport, _ endpoint: Endpoint) async throws -> Bool {
        let connection = try await client.connect(to: endpoint)
        #expect(connection.peer?.fingerprint == identities.node.fingerprint)
        #expect(try await connection.call(RigMethods.unary, Bytes(utf8: "x")) == Bytes(utf8: "x"))
        let statistics = try await QUICControl(connection)?.statistics()
        await connection.close(within: .zero)
        #expect(statistics?.isEarlyDataAccepted == false)
        return statistics?.isResumed == true
    }

    @Test func `a client that comes back resumes, and knows who the server is`() async throws {
        try await Rig.run(open) { rig in
            let client = try QUICTransport(tls: open)
            #expect(try await !visit(client, rig.listener.endpoint))
            for _ in 0..<3 { #expect(try await visit(client, rig.listener.endpoint)) }
            await client.shutdown(within: .zero)
        }
    }

    @Test func `a ticket is used once`() async throws {
        // Both handshakes wait until both have begun.
        var configuration = QUICTransport.Configuration()
        configuration.handshakeTimeout = .seconds(60)
        try await Rig.run(open, configure: { $0.handshakeTimeout = .seconds(60) }) { rig in
            let relay = try GatedRelay(to: rig.port)
            let client = try QUICTransport(tls: open, configuration: configuration)
            let endpoint = try Endpoint(parsing: "quic://127.0.0.1:\(relay.port)")
            let outcome = await Result { () async throws in
                #expect(try await !visit(client, endpoint))
                // One ticket, and two that want it before there can be another.
                relay.setOpen(toClient: false)
                async let first = client.connect(to: endpoint)
                async let second = client.connect(to: endpoint)
                while relay.clientCount < 3 {
                    try Task.checkCancellation()
                    await Task.yield()
                }
                relay.setOpen()
                var resumed: [Bool] = []
                for connection in try await [first, second] {
                    resumed.append(try await QUICControl(connection)?.statistics().isResumed == true)
                }
                #expect(resumed.count { $0 } == 1)
            }
            await client.shutdown(within: .zero)
            await relay.stop()
            try outcome.get()
        }
    }

    @Test func `under mutual TLS nothing is resumed`() async throws {
        try await Rig.run { rig in
            let client = try QUICTransport(tls: identities.mutual)
            for _ in 0..<2 { #expect(try await !visit(client, rig.listener.endpoint)) }
            await client.shutdown(within: .zero)
        }
    }

    @Test func `nothing is resumed where that is switched off, on either side`() async throws {
        var without = open
        without.resumesSessions = false
        for (server, client) in [(open, without), (without, open)] {
            try await Rig.run(server) { rig in
                let client = try QUICTransport(tls: client)
                for _ in 0..<2 { #expect(try await !visit(client, rig.listener.endpoint)) }
                await client.shutdown(within: .zero)
            }
        }
    }

    @Test func `after a change of the credentials there is a full handshake`() async throws {
        try await Rig.run(open) { rig in
            let credentials = Credentials(identity: identities.node, trust: identities.trust)
            let client = try QUICTransport(tls: TLSConfiguration(credentials: credentials))
            #expect(try await !visit(client, rig.listener.endpoint))
            #expect(try await visit(client, rig.listener.endpoint))
            try credentials.replace(trust: identities.trust)
            #expect(try await !visit(client, rig.listener.endpoint))
            #expect(try await visit(client, rig.listener.endpoint))
            credentials.revoke([.certificate(identities.node.fingerprint)])
            let error = await #expect(throws: TransportError.self) {
                try await client.connect(to: rig.listener.endpoint)
            }
            #expect(error?.code == .unauthenticated, "\(String(describing: error))")
            await client.shutdown(within: .zero)
        }
    }

    @Test func `a session is of no use to a server whose credentials have changed`() async throws {
        let credentials = Credentials(identity: identities.node, trust: identities.trust)
        try await Rig.run(TLSConfiguration(credentials: credentials, clientAuthentication: .none)) { rig in
            let client = try QUICTransport(tls: open)
            #expect(try await !visit(client, rig.listener.endpoint))
            credentials.revoke([.certificate(try identities.issue(name: "other").fingerprint)])
            #expect(try await !visit(client, rig.listener.endpoint))
            await client.shutdown(within: .zero)
        }
    }

    @Test func `a client that comes back need not prove its address again`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await Rig.run(configure: { $0.addressValidation = .always }) { rig in
            var configuration = QUICTransport.Configuration()
            configuration.qlogFolder = folder.path
            let client = try QUICTransport(tls: identities.mutual, configuration: configuration)
            for _ in 0..<2 { #expect(try await !visit(client, rig.listener.endpoint)) }
            await client.shutdown(within: .zero)
        }
        let logs = try FileManager.default.contentsOfDirectory(atPath: folder.path).map {
            try String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8)
        }
        #expect(logs.count == 2)
        #expect(logs.count { $0.contains("\"packet_type\":\"retry\"") } == 1)
    }
}
