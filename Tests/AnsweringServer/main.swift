// A server that answers with its own port: what the tests kill and start again.
//
//     answering-server PORT [CA CERTIFICATE KEY]
//
// Port 0 is any free one; with the paths of PEM files it wants mutual TLS. It ends with its standard input.

import Glibc
import GRPCTransport
import NodeTransport
import Synchronization
import TransportTLS

final class AnsweringService: Service {
    /// Known once it listens, and nobody can ask before.
    let answer = Mutex("")

    var handlers: [MethodHandler] {
        [
            Method<Unary, Bytes, String>("answers.Answers", "Who", request: .bytes, response: .utf8)
                .handle { _, _ in self.answer.withLock { $0 } }
        ]
    }
}

func security(_ files: [String]) throws -> GRPCTransport.Security {
    guard files.count == 3 else { return .plaintext }
    return .mutualTLS(
        identity: try Identity(certificateFile: files[1], keyFile: files[2]), trust: try .roots(file: files[0]))
}

do {
    let port = CommandLine.arguments.dropFirst().first ?? "0"
    let transport = try GRPCTransport(security: security(Array(CommandLine.arguments.dropFirst(2))))
    let service = AnsweringService()
    let listener = try await transport.listen(
        on: Endpoint(parsing: "grpc://127.0.0.1:\(port)"), services: [service])
    let answer = "\(listener.endpoint.port ?? 0)"
    service.answer.withLock { $0 = answer }
    print("LISTENING \(answer)")
    fflush(nil)
    // Whoever has started it holds the other end.
    while readLine() != nil {}
    exit(0)
} catch {
    print("failed: \(error)")
    exit(1)
}
