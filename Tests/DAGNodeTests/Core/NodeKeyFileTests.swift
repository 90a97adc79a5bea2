import DAGNode
import Foundation
import NodeTransport
import Testing
import TransactionSignatures

@Suite("The file with a node's key")
struct NodeKeyFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "node-key-test-\(UUID().uuidString)")
    private var path: String { folder.appending(path: "node-key").path }

    /// Runs `body` with an empty folder that is gone afterwards.
    private func withFolder(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body()
    }

    @Test func `A key is made once, for its owner only`() throws {
        try withFolder {
            let first = try SigningKey.load(orCreate: path) { Issue.record("\($0)") }
            let second = try SigningKey.load(orCreate: path) { Issue.record("\($0)") }
            #expect(first.publicKey == second.publicKey)
            #expect(first.algorithm == .ed25519)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `A key of any algorithm is taken`(algorithm: SignatureAlgorithm) throws {
        try withFolder {
            let key = try SigningKey.generate(algorithm)
            try key.write(to: path)
            #expect(try SigningKey.load(orCreate: path).publicKey == key.publicKey)
        }
    }

    @Test func `The 32 bytes that earlier versions wrote are read`() throws {
        try withFolder {
            let key = SigningKey()
            try Data(key.seed).write(to: URL(filePath: path))
            #expect(try SigningKey.load(orCreate: path).publicKey == key.publicKey)
        }
    }

    @Test func `A damaged file is named and left as it is`() throws {
        try withFolder {
            try Data("damaged".utf8).write(to: URL(filePath: path))
            let error = #expect(throws: TransportError.self) { try SigningKey.load(orCreate: path) }
            #expect(error?.code == .dataLoss)
            #expect(error?.message.contains(path) == true)
            #expect(try Data(contentsOf: URL(filePath: path)) == Data("damaged".utf8))
        }
    }
}
