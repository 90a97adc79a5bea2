import Foundation
import NodeTransport
import Testing
import TransportTLS

/// Identity and trust of a running node, changed through its files.
@Suite("A node's credentials", .timeLimit(.minutes(5)))
struct CredentialTests {
    private let folder: Folder

    init() async throws {
        folder = try Folder()
        for name in ["a", "client"] {
            _ = try await Program.run("identity", "init", "--directory", folder.path, "--name", name)
        }
    }

    private func serve(_ arguments: String...) async throws -> (node: Program, endpoint: String) {
        let node = try Program.start(
            [
                "serve", "--name", "a", "--data", "\(folder.path)/data", "--listen", "grpc://127.0.0.1:0",
                "--stop-with-input", "--cert", "\(folder.path)/a.pem", "--key", "\(folder.path)/a-key.pem",
            ] + arguments)
        return (node, try #require(await node.line(beginningWith: "LISTENING ")))
    }

    private func status(_ endpoint: String, _ arguments: String...) async throws -> Program.Result {
        try await Program.start(
            [
                "status", "--to", endpoint, "--cert", "\(folder.path)/client.pem", "--key",
                "\(folder.path)/client-key.pem",
            ] + arguments
        ).result()
    }

    private func identity(_ name: String) throws -> Identity {
        try Identity(certificateFile: "\(folder.path)/\(name).pem", keyFile: "\(folder.path)/\(name)-key.pem")
    }

    @Test func `Pins alone connect those who know each other's keys`() async throws {
        let (a, client) = try (identity("a"), identity("client"))
        let pins = try folder.write("pins", Data("# the client\n\(Pin.publicKey(client.publicKeyFingerprint))\n".utf8))
        let (node, endpoint) = try await serve("--pin-only", "--pins", pins)
        let good = try await status(endpoint, "--pin-only", "--pin", a.fingerprint.uppercase)
        #expect(good.exitCode == 0, "\(good.error)")
        let bad = try await status(endpoint, "--pin-only", "--pin", client.fingerprint.uppercase)
        #expect(bad.exitCode == 1)
        #expect(bad.error.contains("is not pinned"), "\(bad.error)")
        node.send(SIGTERM)
        #expect(try await node.result().exitCode == 0)
    }

    @Test func `Who is revoked while the node runs is refused, and served again when that is taken back`() async throws
    {
        let pin = Pin.certificate(try identity("client").fingerprint)
        let authority = ["--ca", "\(folder.path)/ca.pem"]
        let (node, endpoint) = try await serve(authority[0], authority[1], "--revoked", "\(folder.path)/revoked")
        var result = try await status(endpoint, authority[0], authority[1])
        #expect(result.exitCode == 0, "\(result.error)")
        _ = try folder.write("revoked", Data("\(pin)\n".utf8))
        // The node looks once a second; a call under way at that moment may end with its connection.
        repeat {
            result = try await status(endpoint, authority[0], authority[1])
        } while !result.error.contains("revoked")
        #expect(result.exitCode == 1)
        _ = try folder.write("revoked", Data("# nobody\n".utf8))
        while result.exitCode != 0 { result = try await status(endpoint, authority[0], authority[1]) }
        node.send(SIGTERM)
        #expect(try await node.result().error.contains("revocations replaced: 1 revoked"))
    }

    @Test func `A new certificate is shown without a restart, and a broken one is not`() async throws {
        let old = try identity("a").fingerprint
        let (node, endpoint) = try await serve("--ca", "\(folder.path)/ca.pem")
        _ = try folder.write("a.pem", Data("broken".utf8))
        let before = try await status(endpoint, "--ca", "\(folder.path)/ca.pem", "--pin", "\(old)")
        #expect(before.exitCode == 0, "\(before.error)")
        try FileManager.default.removeItem(atPath: "\(folder.path)/a-key.pem")
        _ = try await Program.run("identity", "init", "--directory", folder.path, "--name", "a")
        let new = try identity("a").fingerprint
        #expect(new != old)
        var result = before
        repeat {
            result = try await status(endpoint, "--ca", "\(folder.path)/ca.pem", "--pin", "\(new)")
        } while result.exitCode != 0
        node.send(SIGTERM)
        #expect(try await node.result().error.contains("identity replaced: CN=a"))
    }

    @Test(arguments: [
        (["--pin-only"], "--pin-only and --pin-audit need --pin or --pins"),
        (["--pin", "hello"], "is not the SHA-256 of"),
        (["--trust-domain", "City/x"], "is not a SPIFFE trust domain"),
        (["--plaintext", "--revoked", "x"], "exclude each other"),
        (["--pkcs12", "x"], "--pkcs12 excludes --cert and --key"),
    ])
    func `Options that make no sense together are one clear line`(arguments: [String], reason: String) async throws {
        let result = try await Program.start(
            ["status", "--to", "grpc://127.0.0.1:1", "--cert", "x", "--key", "x", "--ca", "x"] + arguments
        ).result()
        #expect(result.exitCode == 64)
        #expect(result.error.contains(reason), "\(result.error)")
    }
}
