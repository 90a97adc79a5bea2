import ForeignPeers
import Foundation
import NodeTransport

/// A server in a process of its own, which answers with its port; it ends with the test.
final class AnsweringServer {
    static let who = Method<Unary, Bytes, String>(
        "answers.Answers", "Who", request: .bytes, response: .utf8, isIdempotent: true)

    let endpoint: Endpoint
    private let port: Int
    private let files: [String]
    private var process: PeerProcess

    /// What it answers.
    var answer: String { "\(port)" }

    /// - Parameter identities: With these it wants mutual TLS.
    init(_ identities: IdentityFiles? = nil) async throws {
        files = identities.map { [$0.ca, $0.certificate("server"), $0.key("server")] } ?? []
        // It comes back at its own port, which nobody must get meanwhile.
        port = try freePort()
        (process, _) = try await PeerProcess.server(Self.program, ["\(port)"] + files)
        endpoint = try Endpoint(parsing: "grpc://127.0.0.1:\(port)")
    }

    /// Kills it, as `kill -9` does.
    func kill() { process.kill() }

    /// Starts it again at the same port.
    func start() async throws {
        await process.waitUntilEnd()
        (process, _) = try await PeerProcess.server(Self.program, ["\(port)"] + files)
    }

    /// The program, built with these tests.
    private static var program: String {
        let test = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: test ?? CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "answering-server").path
    }
}
