// A server and a client in one process: a unary call and a conversation, without any network.

import NodeTransport
import TransportTestKit

enum Greeter {
    static let greet = Method<Unary, String, String>("example.Greeter", "Greet", request: .utf8, response: .utf8)
    static let chat = Method<Bidirectional, String, String>("example.Greeter", "Chat", request: .utf8, response: .utf8)
}

struct GreeterService: Service {
    var handlers: [MethodHandler] {
        [
            Greeter.greet.handle { name, _ in "Hello, \(name)!" },
            Greeter.chat.handle { lines, answers, _ in
                while let line = try await lines.next() { try await answers.send(line.uppercased()) }
            },
        ]
    }
}

// With GRPCTransport() and "grpc://127.0.0.1:0" here, nothing below changes.
let transport: any Transport = InMemoryTransport()
let listener = try await transport.listen(on: "memory://greeter", services: [GreeterService()])
let connection = try await transport.connect(to: listener.endpoint)
print("connected to \(connection.endpoint)")

print("greet: \(try await connection.call(Greeter.greet, "node 7", deadline: .after(.seconds(2))))")

let chat = try await connection.call(Greeter.chat)
for line in ["is this a network?", "it behaves like one"] {
    try await chat.requests.send(line)
    print("chat:  \(line) → \(try await chat.responses.next() ?? "the end")")
}
try await chat.requests.finish()
while let answer = try await chat.responses.next() { print("chat:  \(answer)") }

await connection.close()
await transport.shutdown()
print("closed")
