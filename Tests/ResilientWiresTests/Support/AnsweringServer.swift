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
        (process, port) = try await PeerProcess.server(Self.program, ["0"] + files)
        endpoint = try Endpoint(parsing: "grpc://127.0.0.1:\(port)")
    }

    /// Kills it, as `kill -9` does.
    func kill() { process.kill() }

    /// Starts it again at the same port.
    func start() async throws {
        // A connection of somebody else's may have the port for a moment: the system gives it to clients, too.
        for _ in 0..<50 {
            do {
                return process = try await PeerProcess.server(Self.program, ["\(port)"] + files).0
            } catch is PeerProcess
                .Failure
            {}
        }
        throw PeerProcess.Failure(description: "port \(port) cannot be listened at again")
    }

    /// The program, built with these tests.
    private static var program: String {
        let test = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: test ?? CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "answering-server").path
    }
}
