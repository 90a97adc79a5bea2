import Foundation
import Testing
import TransportTLS

@Suite("The doctor", .timeLimit(.minutes(5)))
struct DoctorTests {
    @Test func `Without options it looks at the program and says whether key exchange is safe for ever`() async throws {
        let result = try await Program.run("doctor")
        #expect(result.exitCode == 0, "\(result.error)")
        #expect(result.output.contains("tls: OpenSSL 3"))
        let state = TLSLibrary.hasPostQuantumKeyExchange ? "ok    post-quantum: " : "note  post-quantum: "
        #expect(result.output.contains(state), "\(result.output)")
        #expect(result.output.contains("wires: grpc://"))
    }

    @Test func `It looks at an identity and reaches a peer with it`() async throws {
        let folder = try Folder()
        for name in ["a", "client"] {
            _ = try await Program.run("identity", "init", "--directory", folder.path, "--name", name)
        }
        let node = try Program.start([
            "serve", "--name", "a", "--data", "\(folder.path)/data", "--listen", "grpc://127.0.0.1:0",
            "--stop-with-input", "--identity-directory", folder.path,
        ])
        let endpoint = try #require(await node.line(beginningWith: "LISTENING "))
        let identity = ["--identity-directory", folder.path, "--name", "client"]
        let good = try await Program.start(["doctor", "--peer", endpoint] + identity).result()
        #expect(good.exitCode == 0, "\(good.output)\(good.error)")
        #expect(good.output.contains("365 days left") || good.output.contains("364 days left"), "\(good.output)")
        #expect(good.output.contains("peer: \(endpoint) is reached in "))
        node.send(SIGTERM)
        _ = try await node.result()
        let gone = try await Program.start(["doctor", "--json", "--peer", endpoint] + identity).result()
        #expect(gone.exitCode == 1)
        #expect(gone.output.contains(#""state":"FAIL","subject":"peer""#), "\(gone.output)")
    }

    @Test func `An identity that cannot be used is a finding`() async throws {
        let result = try await Program.run(
            "doctor", "--cert", "/nowhere.pem", "--key", "/nowhere-key.pem", "--ca", "/ca")
        #expect(result.exitCode == 1)
        #expect(result.output.contains("FAIL  identity: /nowhere"), "\(result.output)")
        #expect(try await Program.run("doctor", "--peer", "grpc://127.0.0.1:1").exitCode == 64)
    }
}
