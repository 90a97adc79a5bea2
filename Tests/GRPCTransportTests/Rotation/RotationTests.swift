import ForeignPeers
import NodeTransport
import Synchronization
import Testing
import TransportTLS

@testable import GRPCTransport

/// Identities and trust that change while calls run, on real sockets.
@Suite(.timeLimit(.minutes(5))) struct RotationTests {
    private let ca: DevelopmentCA
    private let trust: Trust

    init() throws {
        ca = try DevelopmentCA.create(commonName: "Rotation CA")
        trust = try Trust.roots(pem: ca.certificatePEM)
    }

    private func identity(_ name: String) throws -> Identity {
        let issued = try ca.issue(name: name, dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"])
        return try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
    }

    private func credentials(_ name: String) throws -> Credentials {
        try Credentials(identity: identity(name), trust: trust)
    }

    @Test func tenRotationsUnderLoadFailNoCall() async throws {
        let (server, client) = try (credentials("server"), credentials("client"))
        let (listening, calling) = try (
            GRPCTransport(security: .mutualTLS(server)), GRPCTransport(security: .mutualTLS(client))
        )
        let listener = try await listening.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let load = Load()

        try await withThrowingTaskGroup { group in
            // 100 calls at a time on 10 connections, of which each lives for a while and is then made anew.
            for _ in 0..<10 {
                group.addTask {
                    // Once at least, however late the task begins.
                    repeat {
                        let connection = try await calling.connect(to: listener.endpoint)
                        try await load.run(on: connection)
                        await connection.close(within: .seconds(60))
                    } while !load.isOver
                }
            }
            var seen: Set<Fingerprint> = []
            for round in 0..<10 {
                let (ours, theirs) = try (identity("server"), identity("client"))
                try server.replace(identity: ours)
                try client.replace(identity: theirs)
                // Every connection from now on shows the new identities, in both directions.
                let connection = try await calling.connect(to: listener.endpoint)
                #expect(connection.peer?.fingerprint == ours.fingerprint, "round \(round)")
                seen.insert(ours.fingerprint)
                _ = try await connection.call(Echo.unary, Bytes(utf8: "x"))
                await connection.close(within: .seconds(60))
            }
            #expect(seen.count == 10)
            load.end()
            try await group.waitForAll()
        }
        #expect(load.callCount >= 2000)
        #expect(server.statistics.replacements == 10 && server.statistics.failedReplacements == 0)
        await calling.shutdown(within: .seconds(5))
        await listening.shutdown(within: .seconds(5))
    }

    /// A connected pair of transports, and the credentials of both.
    private func withPair<Outcome>(
        _ body: (_ server: Credentials, _ client: Credentials, GRPCTransport, any Connection) async throws -> Outcome
    ) async throws -> Outcome {
        let (server, client) = try (credentials("server"), credentials("client"))
        let (listening, calling) = try (
            GRPCTransport(security: .mutualTLS(server)), GRPCTransport(security: .mutualTLS(client))
        )
        let listener = try await listening.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let connection = try await calling.connect(to: listener.endpoint)
        let outcome = await Result { try await body(server, client, calling, connection) }
        await calling.shutdown(within: .zero)
        await listening.shutdown(within: .zero)
        return try outcome.get()
    }

    /// How long it takes until the connection is closed; nothing but `body` would close it.
    private func timeToClose(_ connection: any Connection, after body: () -> Void) async -> Duration {
        await ContinuousClock().measure {
            body()
            for await state in connection.stateUpdates() where state.isClosed { return }
        }
    }

    /// A busy machine may be late once, or several times; what is shown is that a second is enough.
    private func expectASecondIsEnough(_ attempt: () async throws -> Duration) async throws {
        var times: [Duration] = []
        repeat { times.append(try await attempt()) } while times.count < 10 && times.allSatisfy { $0 >= .seconds(1) }
        #expect(times.contains { $0 < .seconds(1) }, "\(times)")
    }

    @Test func aServerClosesTheConnectionsOfARevokedClient() async throws {
        try await expectASecondIsEnough { try await revokeTheClient() }
    }

    private func revokeTheClient() async throws -> Duration {
        try await withPair { server, client, transport, connection in
            let pin = try Pin.publicKey(#require(client.identity).publicKeyFingerprint)
            let time = await timeToClose(connection) { server.revoke([pin]) }
            let error = await #expect(throws: TransportError.self) {
                try await transport.connect(to: connection.endpoint)
            }
            #expect(error?.code == .unauthenticated)
            #expect((error?.cause as? TLSError)?.alert == .certificateRevoked)
            server.reinstate([pin])
            _ = try await transport.connect(to: connection.endpoint)
            return time
        }
    }

    @Test func aClientClosesTheConnectionsToARevokedServer() async throws {
        try await expectASecondIsEnough { try await revokeTheServer() }
    }

    private func revokeTheServer() async throws -> Duration {
        try await withPair { server, client, transport, connection in
            let stream = try await connection.open(CallHead(method: Echo.bidi.name, shape: .bidirectional))
            let pin = try Pin.certificate(#require(server.identity).fingerprint)
            let time = await timeToClose(connection) { client.revoke([pin]) }
            // The call that was under way says why it ended.
            let failure = await #expect(throws: TransportError.self) {
                while let _ = try await stream.receive() {}
            }
            #expect(failure?.code == .unauthenticated)
            #expect(failure?.message.contains("revoked") == true)
            let error = await #expect(throws: TransportError.self) {
                try await transport.connect(to: connection.endpoint)
            }
            #expect((error?.cause as? TLSError)?.code == .revoked)
            return time
        }
    }

    @Test func anotherPeerIsLeftInPeace() async throws {
        try await withPair { server, client, transport, connection in
            server.revoke([.certificate(try identity("somebody").fingerprint)])
            _ = try await connection.call(Echo.unary, Bytes(utf8: "x"))
            try server.replace(trust: trust.pinning([.certificate(try identity("somebody").fingerprint)]))
            // What is open goes on; what is new is judged by the new trust.
            _ = try await connection.call(Echo.unary, Bytes(utf8: "x"))
            await #expect(throws: TransportError.self) { try await transport.connect(to: connection.endpoint) }
        }
    }

    @Test func anAuditIsAnEventAndACount() async throws {
        let stranger = Pin.certificate(try identity("somebody").fingerprint)
        let events = EventLog()
        var configuration = GRPCTransport.Configuration()
        configuration.onEvent = { events.note($0) }
        let server = try Credentials(identity: identity("server"), trust: trust.pinning([stranger], mode: .audit))
        let listening = try GRPCTransport(security: .mutualTLS(server), configuration: configuration)
        let calling = try GRPCTransport(security: .mutualTLS(credentials("client")))
        let listener = try await listening.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let connection = try await calling.connect(to: listener.endpoint)
        _ = try await connection.call(Echo.unary, Bytes(utf8: "x"))
        let event = await events.first(.pinMismatch)
        #expect((event.error?.cause as? TLSError)?.code == .pinMismatch)
        #expect(event.description.contains("CN=client"))
        #expect(server.statistics.auditedMismatches == 1)
        await calling.shutdown(within: .zero)
        await listening.shutdown(within: .zero)
    }
}

/// Calls that run until they are told to end.
private final class Load: Sendable {
    private let state = Mutex((isOver: false, callCount: 0))

    var isOver: Bool { state.withLock(\.isOver) }
    var callCount: Int { state.withLock(\.callCount) }

    func end() { state.withLock { $0.isOver = true } }

    /// 200 calls, 10 at a time; the first that fails is thrown.
    func run(on connection: any Connection) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<10 {
                group.addTask {
                    for _ in 0..<20 { _ = try await connection.call(Echo.unary, Bytes(utf8: "x")) }
                }
            }
            try await group.waitForAll()
        }
        state.withLock { $0.callCount += 200 }
    }
}
