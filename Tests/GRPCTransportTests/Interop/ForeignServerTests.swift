import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// Our client against servers that we did not write.
@Suite(.timeLimit(.minutes(5))) struct ForeignServerTests {
    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioServesUsInPlaintext() async throws {
        let (peer, port) = try await PeerProcess.server(Peers.python, [Peers.script("echo_server.py"), "--port", "0"])
        defer { withExtendedLifetime(peer) {} }
        try await expectAllCases(.plaintext, port)
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioServesUsUnderMutualTLS() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await PeerProcess.server(
            Peers.python, [Peers.script("echo_server.py"), "--port", "0"] + files.serverArguments)
        defer { withExtendedLifetime(peer) {} }
        try await expectAllCases(files.security("client"), port)
    }

    @Test(.enabled(if: Peers.isThere(Peers.cpp)))
    func grpcCppServesUs() async throws {
        let (peer, port) = try await PeerProcess.server(Peers.cpp, ["serve", "--port", "0"])
        defer { withExtendedLifetime(peer) {} }
        try await connected(.plaintext, port) { connection in
            for size in [0, 64, 1 << 20] {
                let message = Bytes([UInt8](repeating: 7, count: size))
                #expect(try await connection.call(Echo.unary, message) == message)
            }
            try await EchoCases(connection).hundredsAtOnce()
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func aKilledServerIsNoticedAtOnce() async throws {
        let (peer, port) = try await PeerProcess.server(Peers.python, [Peers.script("echo_server.py"), "--port", "0"])
        try await connected(.plaintext, port) { connection in
            let call = try await connection.open(CallHead(method: Echo.slow.name, shape: .unary))
            try await call.send(Bytes(utf8: "doomed"))
            try await call.finishSending()
            _ = try await call.initialMetadata()
            peer.kill()
            await #expect { try await call.receive() } throws: { ($0 as? TransportError)?.code == .unavailable }
            for await state in connection.stateUpdates() where state.isClosed { break }
            await #expect { try await connection.call(Echo.unary, Bytes()) } throws: {
                ($0 as? TransportError)?.processing == .notProcessed
            }
        }
    }

    private func connected(
        _ security: GRPCTransport.Security, _ port: Int, _ body: (any Connection) async throws -> Void
    ) async throws {
        let transport = try GRPCTransport(security: security)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(transport.connect(to: "grpc://127.0.0.1:\(port)")))
        } catch {
            outcome = .failure(error)
        }
        await transport.shutdown(within: .zero)
        try outcome.get()
    }

    private func expectAllCases(_ security: GRPCTransport.Security, _ port: Int) async throws {
        try await connected(security, port) { connection in
            try await EchoCases(connection).all()
        }
    }
}
