// A server that answers with its own port: what the tests kill and start again.
//
//     answering-server PORT [CA CERTIFICATE KEY]
//
// Port 0 is any free one; with the paths of PEM files it wants mutual TLS. It ends with its standard input.

import Glibc
import GRPCTransport
import NodeTransport
import TransportTLS

struct AnsweringService: Service {
    let answer: String

    var handlers: [MethodHandler] {
        let answer = answer
        return [
            Method<Unary, Bytes, String>("answers.Answers", "Who", request: .bytes, response: .utf8)
                .handle { _, _ in answer }
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
    // The port is in the answer, so a first listener finds out which one is free.
    var endpoint = try Endpoint(parsing: "grpc://127.0.0.1:\(port)")
    if endpoint.port == 0 {
        let listener = try await transport.listen(on: endpoint, services: [])
        endpoint = listener.endpoint
        await listener.shutdown(within: .zero)
    }
    let answer = "\(endpoint.port ?? 0)"
    _ = try await transport.listen(on: endpoint, services: [AnsweringService(answer: answer)])
    print("LISTENING \(answer)")
    fflush(nil)
    // Whoever has started it holds the other end.
    while readLine() != nil {}
    exit(0)
} catch {
    print("failed: \(error)")
    exit(1)
}
