import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// A server that hears what happens on its listener, and what was refused there.
struct RefusalRig: Sendable {
    let listener: any Listener
    let events: EventLog

    var port: Int { listener.endpoint.port ?? 0 }

    static func run(
        _ security: GRPCTransport.Security, _ body: (RefusalRig) async throws -> Void
    ) async throws {
        let events = EventLog()
        var configuration = GRPCTransport.Configuration()
        configuration.onEvent = { events.note($0) }
        let server = try GRPCTransport(security: security, configuration: configuration)
        let listener = try await server.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let outcome = await Result { try await body(RefusalRig(listener: listener, events: events)) }
        await server.shutdown(within: .zero)
        try outcome.get()
    }

    /// What connecting with `security` fails with.
    func refusal(of security: GRPCTransport.Security, host: String = "127.0.0.1") async throws -> TransportError {
        let client = try GRPCTransport(security: security)
        let outcome = await Result { try await client.connect(to: "grpc://\(host):\(port)") }
        await client.shutdown(within: .zero)
        switch outcome {
        case .success: throw OpenSSLProgram.Failure(description: "the connection was made")
        case .failure(let error): return try #require(error as? TransportError)
        }
    }

    /// Connects with `security` and makes a call.
    func expectServed(_ security: GRPCTransport.Security) async throws {
        let client = try GRPCTransport(security: security)
        let answer = await Result { () async throws -> Bytes in
            let connection = try await client.connect(to: "grpc://127.0.0.1:\(port)")
            return try await connection.call(Echo.unary, Bytes(utf8: "good"))
        }
        await client.shutdown(within: .zero)
        #expect(try answer.get() == Bytes(utf8: "good"))
    }

    /// What the listener said about the handshake that it refused.
    func refusedHandshake() async throws -> TransportError {
        let event = await events.first(.handshakeFailed)
        let endpoint = try #require(event.remoteEndpoint)
        #expect(event.description.hasPrefix("handshake_failed \(endpoint): "), "\(event)")
        #expect(!event.description.contains("\n"))
        return try #require(event.error)
    }
}
