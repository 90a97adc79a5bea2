import Foundation
import NodeTransport
import Testing

@testable import TransactionSignatures

@Suite("Keys in files", .timeLimit(.minutes(5)))
struct KeyFileTests {
    private let folder = try? Folder()

    private func path(_ name: String) throws -> String { "\(try #require(folder).path)/\(name)" }

    @Test(arguments: SignatureAlgorithm.all)
    func `A key file is for its owner only`(algorithm: SignatureAlgorithm) throws {
        let file = try path("key.pem")
        let key = try SigningKey.generate(algorithm)
        try key.write(to: file)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let back = try SigningKey(file: file) { Issue.record("\($0)") }
        #expect(back.seed == key.seed)
        #expect(try FileManager.default.contentsOfDirectory(atPath: try #require(folder).path) == ["key.pem"])
    }

    @Test func `A file that is there is not overwritten`() throws {
        let file = try path("key.pem")
        let key = SigningKey()
        try key.write(to: file)
        let error = #expect(throws: SignatureError.self) { try SigningKey().write(to: file) }
        #expect(error?.code == .fileExists)
        #expect(error?.file == file)
        #expect(try SigningKey(file: file) { _ in }.seed == key.seed)
        #expect(try FileManager.default.contentsOfDirectory(atPath: try #require(folder).path) == ["key.pem"])
    }

    @Test func `Of many that write one file at once a single one does`() async throws {
        let file = try path("key.pem")
        let successes = await withTaskGroup(of: Bytes?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let key = SigningKey()
                    return (try? key.write(to: file)) == nil ? nil : key.seed
                }
            }
            return await group.reduce(into: [Bytes]()) { all, seed in if let seed { all.append(seed) } }
        }
        #expect(successes.count == 1)
        #expect(try SigningKey(file: file) { _ in }.seed == successes.first)
    }

    @Test func `A key that others can read is used and warned of`() throws {
        let file = try path("key.pem")
        try SigningKey().write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        var warnings: [String] = []
        _ = try SigningKey(file: file) { warnings.append($0) }
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix(file) == true)
        #expect(warnings.first?.contains("0644") == true)
    }

    @Test func `What cannot be read or written is named`() throws {
        let (missing, folder) = (try path("missing.pem"), try #require(folder).path)
        for file in [missing, folder] {
            let error = #expect(throws: SignatureError.self) { try SigningKey(file: file) { _ in } }
            #expect(error?.code == .unreadable)
            #expect(error?.description.hasPrefix(file) == true)
        }
        let error = #expect(throws: SignatureError.self) { try SigningKey().write(to: "\(missing)/key.pem") }
        #expect(error?.code == .unwritable)
        let large = try path("large")
        try Data(count: KeyFile.maximumByteCount + 1).write(to: URL(filePath: large))
        #expect(throws: SignatureError.self) { try SigningKey(file: large) { _ in } }
    }

    @Test func `No error repeats what stands in the file`() throws {
        let file = try path("key.pem")
        let secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA"
        for text in [
            "-----BEGIN PRIVATE KEY-----\n\(secret)\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\n\(secret)==\n-----END PRIVATE KEY-----\n",
            "-----BEGIN \(secret)-----\n\(secret)==\n-----END \(secret)-----\n", secret,
        ] {
            try Data(text.utf8).write(to: URL(filePath: file))
            let error = #expect(throws: SignatureError.self) { try SigningKey(file: file) { _ in } }
            #expect(error?.description.contains(secret.prefix(10)) == false, "\(String(describing: error))")
        }
    }
}
