// A server that answers with its own port: what the tests kill and start again.
//
//     answering-server PORT   0 for any free one; ends with its standard input

import Glibc
import GRPCTransport
import NodeTransport

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

let port = CommandLine.arguments.dropFirst().first ?? "0"
let transport = try GRPCTransport(security: .plaintext)
do {
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
