import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Clients that we did not write, against our server.
@Suite(.timeLimit(.minutes(5))) struct ForeignClientTests {
    private struct CaseResult: Decodable {
        let `case`: String
        let ok: Bool
        let detail: String
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioAgreesInPlaintext() async throws {
        try await serve(.plaintext) { port in
            try await expectAllCases(["--target", "127.0.0.1:\(port)"])
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioAgreesUnderMutualTLS() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await serve(files.serverSecurity) { port in
            try await expectAllCases(["--target", "127.0.0.1:\(port)"] + files.clientArguments)
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioWithoutCertificateIsRefusedAndOthersAreServed() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await serve(files.serverSecurity) { port in
            let refused = try await PeerProcess.run(
                Peers.python,
                [
                    Peers.script("echo_client.py"), "--target", "127.0.0.1:\(port)", "--tls-ca", files.ca, "--case",
                    "refused",
                ])
            #expect(refused.status == 0, "\(refused.output)\(refused.errors)")
            let served = try await PeerProcess.run(
                Peers.python,
                [Peers.script("echo_client.py"), "--target", "127.0.0.1:\(port)", "--case", "unary"]
                    + files.clientArguments)
            #expect(served.status == 0, "\(served.output)\(served.errors)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.cpp)))
    func grpcCppAgrees() async throws {
        try await serve(.plaintext) { port in
            for (concurrency, size) in [(1, 0), (100, 64), (4, 1 << 20)] {
                let outcome = try await PeerProcess.run(
                    Peers.cpp,
                    [
                        "call", "--to", "127.0.0.1:\(port)", "--concurrency", "\(concurrency)", "--size", "\(size)",
                        "--seconds", "0.3",
                    ])
                #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
                #expect(outcome.output.contains("errors=0"))
            }
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.h2load)), arguments: [(1, 1), (1, 100), (8, 32)])
    func h2loadHasNoFailedRequest(_ connections: Int, _ streams: Int) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let body = Data([0, 0, 0, 0, 64] + [UInt8](repeating: 0x78, count: 64))
        try body.write(to: URL(fileURLWithPath: folder.path + "/body"))
        try await serve(.plaintext) { port in
            let outcome = try await PeerProcess.run(
                Peers.h2load,
                [
                    "-c\(connections)", "-m\(streams)", "-n2000", "-H", "content-type: application/grpc", "-H",
                    "te: trailers",
                    "-d", folder.path + "/body", "http://127.0.0.1:\(port)/echo.Echo/Unary",
                ])
            #expect(outcome.output.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(outcome.output)")
        }
    }

    private func serve(_ security: GRPCTransport.Security, _ body: (Int) async throws -> Void) async throws {
        let transport = try GRPCTransport(security: security)
        let listener = try await transport.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let port = try #require(listener.endpoint.port)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(port))
        } catch {
            outcome = .failure(error)
        }
        await transport.shutdown(within: .seconds(1))
        try outcome.get()
    }

    private func expectAllCases(_ arguments: [String]) async throws {
        let outcome = try await PeerProcess.run(Peers.python, [Peers.script("echo_client.py")] + arguments)
        let results = try outcome.lines.map { try JSONDecoder().decode(CaseResult.self, from: Data($0.utf8)) }
        for result in results { #expect(result.ok, "\(result.case): \(result.detail)") }
        #expect(results.count >= 15, "\(outcome.errors)")
        #expect(outcome.status == 0)
    }
}
