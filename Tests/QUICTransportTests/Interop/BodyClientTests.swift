import ForeignPeers
import Foundation
import NodeTransport
import QUICTransport
import Testing

/// Other people's clients, and the bodies of our listener's routes.
///
/// One long transfer at a time: the loops are everybody's.
@Suite(.serialized, .timeLimit(.minutes(4))) struct BodyClientTests {
    private struct CaseResult: Decodable {
        let `case`: String
        let ok: Bool
        let detail: String
    }

    private static let byteCount = 64 << 20

    private func withListener(_ body: (_ port: Int, IdentityFiles) async throws -> Void) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRoutes.serve(files) { try await body($0, files) }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `aioquic sends and takes long bodies, and ends some before their time`() async throws {
        try await withListener { port, files in
            let outcome = try await PeerProcess.run(
                Peers.python,
                [Peers.script("h3_bodies.py"), "call", "--target", "127.0.0.1:\(port)"] + files.clientArguments)
            let results = try outcome.lines.map { try JSONDecoder().decode(CaseResult.self, from: Data($0.utf8)) }
            for result in results { #expect(result.ok, "\(result.case): \(result.detail)") }
            #expect(results.count == 10 && outcome.status == 0, "\(outcome.errors)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `curl sends and takes 64 MiB, stops reading, and gets no content where there is none`() async throws {
        try await withListener { port, files in
            func curl(_ method: String, _ path: String, _ more: [String] = []) async throws -> [String: String] {
                let outcome = try await PeerProcess.run(
                    Peers.python,
                    [Peers.script("h3_transfer.py"), method, "https://127.0.0.1:\(port)\(path)"] + more
                        + files.clientArguments)
                let answer = try? JSONDecoder().decode([String: String].self, from: Data(outcome.output.utf8))
                return try #require(answer, "\(outcome)")
            }
            let count = "\(Self.byteCount)"
            let down = try await curl("GET", "/down?bytes=\(count)")
            #expect(down == ["status": "200", "version": "3", "bytes": count, "length": count, "text": ""])
            let up = try await curl("PUT", "/up", ["--send", count])
            #expect(up["text"] == "\(count) \(count)", "\(up)")
            let head = try await curl("HEAD", "/down?bytes=1000")
            #expect(head == ["status": "200", "version": "3", "bytes": "0", "length": "1000", "text": ""])
            let none = try await curl("GET", "/204")
            #expect(none == ["status": "204", "version": "3", "bytes": "0", "length": "", "text": ""])
            let cut = try await curl("GET", "/endless", ["--take", "100000"])
            #expect(cut["text"] == "stopped", "\(cut)")
            let stopped = try await curl("GET", "/stopped")
            #expect(stopped["text"] == "stopped", "\(stopped)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.gtlsclient)))
    func `ngtcp2's client sends and takes 16 MiB`() async throws {
        try await withListener { port, files in
            func gtls(_ path: String, _ more: [String]) async throws -> String {
                let outcome = try await PeerProcess.run(
                    Peers.gtlsclient,
                    [
                        "--no-quic-dump", "--no-http-dump", "--exit-on-all-streams-close", "--timeout=60s", "--cert",
                        files.certificate("client"), "--key", files.key("client"),
                    ] + more + ["127.0.0.1", "\(port)", "https://127.0.0.1:\(port)\(path)"])
                return outcome.output + outcome.errors
            }
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let content = Pattern.data(16 << 20)
            let source = URL(fileURLWithPath: "\(folder.path)/source")
            try content.write(to: source)
            // What it sent comes back.
            let answer = try await gtls(
                "/copy", ["--http-method=POST", "--data=\(source.path)", "--download=\(folder.path)"])
            #expect(FileManager.default.contents(atPath: "\(folder.path)/copy") == content, "\(answer)")
        }
    }
}
