import Foundation
import NodeTransport
import Testing
import TransactionSignatures

@testable import dagnode

@Suite("Signed submissions", .timeLimit(.minutes(5)))
struct SigningTests {
    @Test func `Files go in with signatures of each algorithm`() async throws {
        let folder = try Folder()
        let node = try Program.start([
            "serve", "--plaintext", "--name", "a", "--data", "\(folder.path)/data", "--listen", "grpc://127.0.0.1:0",
            "--stop-with-input",
        ])
        let endpoint = try #require(await node.line(beginningWith: "LISTENING "))
        let file = try folder.write("file", Data((0..<1_000).map { UInt8(truncatingIfNeeded: $0) }))
        var ids: Set<String> = []
        for algorithm in SignatureAlgorithm.all {
            let key = "\(folder.path)/\(algorithm.name).pem"
            try SigningKey.generate(algorithm).write(to: key)
            let submit = ["submit", "--plaintext", "--to", endpoint, "--signing-key", key]
            let single = try await Program.start(submit + [file]).result()
            #expect(single.output.hasSuffix(" acknowledged\n"), "\(single.error)")
            ids.insert(String(single.output.prefix { $0 != " " }))
            // Another signature, the same content.
            let again = try await Program.start(submit + [file]).result()
            #expect(again.output.hasSuffix(" already known\n"), "\(again.error)")
            let chunked = try await Program.start(submit + ["--chunk", "100", "--json", file]).result()
            let view = try JSONDecoder().decode(SubmittedView.self, from: Data(chunked.output.utf8))
            #expect(view.acknowledged == 10)
        }
        #expect(ids.count == SignatureAlgorithm.all.count)
        node.send(SIGTERM)
        #expect(try await node.result().exitCode == 0)
    }

    @Test func `A key that cannot be used is reported in one line, and one that others can read as a warning`()
        async throws
    {
        let folder = try Folder()
        let file = try folder.write("file", Data("x".utf8))
        let key = "\(folder.path)/key.pem"
        let submit = [
            "submit", "--plaintext", "--to", "grpc://127.0.0.1:1", "--patience", "0", "--signing-key", key, file,
        ]
        let missing = try await Program.start(submit).result()
        #expect(missing.exitCode == 1)
        #expect(missing.errorLines.count == 1)
        #expect(missing.error.contains(key))
        try SigningKey().write(to: key)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let open = try await Program.start(submit).result()
        #expect(open.exitCode == 1)
        #expect(open.errorLines.count == 2)
        #expect(open.errorLines.first?.hasPrefix("dagnode: warning: \(key)") == true)
    }
}
