import ForeignPeers
import Foundation
import NodeTransport
import Testing

@testable import TransactionSignatures

/// OpenSSL through the Python package cryptography: Tests/Interop/python/signature_peer.py.
@Suite("Another implementation", .enabled(if: Peers.isThere(Peers.python)), .timeLimit(.minutes(5)))
struct ForeignImplementationTests {
    private let message = Bytes(utf8: "what both know")

    private func contexts(_ algorithm: SignatureAlgorithm) -> [Bytes] {
        algorithm == .ed25519 ? [Bytes()] : [Bytes(), Bytes(utf8: "a purpose")]
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `It accepts our keys and signatures`(algorithm: SignatureAlgorithm) async throws {
        let folder = try Folder()
        let key = try SigningKey.generate(algorithm)
        let (secret, open) = ("\(folder.path)/key.pem", "\(folder.path)/public.pem")
        try key.write(to: secret)
        try Data(key.publicKey.pem).write(to: URL(filePath: open))
        for context in contexts(algorithm) {
            let ours = try key.sign(message, context: context)
            #expect(try await Foreign.verify(open, message, context, ours) == "valid")
            #expect(try await Foreign.verify(open, Bytes(utf8: "other"), context, ours) == "invalid")
            let theirs = try await Foreign.sign(secret, message, context)
            #expect(key.publicKey.isValid(theirs, for: message, context: context))
        }
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `We accept its keys and signatures`(algorithm: SignatureAlgorithm) async throws {
        let folder = try Folder()
        _ = try await Foreign.run("generate", algorithm.name, folder.path)
        var keys: [SigningKey] = []
        for ending in ["pem", "der"] {
            keys.append(try SigningKey(file: "\(folder.path)/key.\(ending)") { _ in })
            #expect(try VerificationKey(file: "\(folder.path)/public.\(ending)") == keys[0].publicKey)
        }
        #expect(keys[0].seed == keys[1].seed)
        #expect(keys[0].algorithm == algorithm)
        for context in contexts(algorithm) {
            let theirs = try await Foreign.sign("\(folder.path)/key.pem", message, context)
            #expect(keys[0].publicKey.isValid(theirs, for: message, context: context))
            #expect(!keys[0].publicKey.isValid(theirs, for: Bytes(utf8: "other"), context: context))
            let ours = try keys[0].sign(message, context: context)
            #expect(try await Foreign.verify("\(folder.path)/public.pem", message, context, ours) == "valid")
        }
    }
}

/// Runs signature_peer.py.
private enum Foreign {
    static func sign(_ key: String, _ message: Bytes, _ context: Bytes) async throws -> Bytes {
        try #require(Bytes(hexadecimal: await run("sign", key, text(message), text(context))))
    }

    static func verify(_ key: String, _ message: Bytes, _ context: Bytes, _ signature: Bytes) async throws -> String {
        try await run("verify", key, text(message), text(context), text(signature))
    }

    private static func text(_ bytes: Bytes) -> String { bytes.isEmpty ? "-" : bytes.hexadecimal }

    /// Runs to the end; what it printed.
    static func run(_ arguments: String...) async throws -> String {
        let outcome = try await PeerProcess.run(Peers.python, [Peers.script("signature_peer.py")] + arguments)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
