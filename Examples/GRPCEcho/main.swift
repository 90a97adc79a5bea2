// An echo service over gRPC with mutual TLS, server and client in one program.
//
//     swift run grpc-echo               mutual TLS
//     swift run grpc-echo --plaintext   the same without

import Glibc
import GRPCTransport
import NodeTransport
import TransportTLS

/// What can be called: names, shapes and how the messages become bytes.
enum Echo {
    static let unary = Method<Unary, String, String>("echo.Echo", "Unary", request: .utf8, response: .utf8)
    static let chat = Method<Bidirectional, String, String>("echo.Echo", "Chat", request: .utf8, response: .utf8)
}

/// What the server does about it.
struct EchoService: Service {
    var handlers: [MethodHandler] {
        [
            Echo.unary.handle { request, context in
                print("server: \(context.method) called by \(context.peer?.description ?? "somebody")")
                return request
            },
            Echo.chat.handle { requests, responses, _ in
                for try await request in requests { try await responses.send("\(request), \(request)") }
            },
        ]
    }
}

/// Two nodes that trust one authority; everything is made in memory.
func makeTransports(isPlaintext: Bool) throws -> (server: GRPCTransport, client: GRPCTransport) {
    if isPlaintext { return (try GRPCTransport(security: .plaintext), try GRPCTransport(security: .plaintext)) }
    let authority = try DevelopmentCA.create()
    let trust = try Trust.roots(pem: authority.certificatePEM)
    func node(_ name: String) throws -> GRPCTransport {
        let issued = try authority.issue(name: name, ipAddresses: ["127.0.0.1"])
        let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
        return try GRPCTransport(security: .mutualTLS(identity: identity, trust: trust))
    }
    return (try node("node-a"), try node("node-b"))
}

func chat(over connection: any Connection) async throws {
    let call = try await connection.call(Echo.chat)
    for word in ["one", "two", "three"] {
        try await call.requests.send(word)
        print("client: \(word) → \(try await call.responses.next() ?? "the end")")
    }
    try await call.requests.finish()
    for try await rest in call.responses { print("client: also \(rest)") }
}

var exitCode: Int32 = 0
let (server, client) = try makeTransports(isPlaintext: CommandLine.arguments.contains("--plaintext"))
do {
    // Port 0 is any free one; the listener says which.
    let listener = try await server.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
    let connection = try await client.connect(to: listener.endpoint)
    print("client: connected to \(connection.endpoint), \(connection.peer?.description ?? "not authenticated")")

    let answer = try await connection.call(Echo.unary, "hello", deadline: .after(.seconds(2)))
    print("client: hello → \(answer)")
    try await chat(over: connection)
} catch {
    // An error says what failed, where and why.
    print("failed: \(error)")
    exitCode = 1
}
// Calls in flight may finish; then the connections close.
await client.shutdown()
await server.shutdown()
print("both are shut down")
exit(exitCode)
