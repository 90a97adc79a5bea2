import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// A peer that stops to answer without a word is noticed.
@Suite(.timeLimit(.minutes(5))) struct KeepAliveTests {
    /// A busy machine must not make of one that answers one that does not.
    private static let policy = GRPCTransport.KeepAlivePolicy(interval: .milliseconds(50), timeout: .seconds(12))

    private func withClient(_ body: (GRPCTransport, RawListener) async throws -> Void) async throws {
        var configuration = GRPCTransport.Configuration()
        configuration.keepAlive = Self.policy
        let client = try GRPCTransport(security: .plaintext, configuration: configuration)
        let listener = try RawListener()
        let outcome = await Result { try await body(client, listener) }
        await client.shutdown(within: .zero)
        try outcome.get()
    }

    @Test func `a server that falls silent is given up, with its calls`() async throws {
        try await withClient { client, listener in
            let script = Task {
                try await blocking {
                    var server = try ScriptedServer(on: listener)
                    // From the call on, everything is read and nothing answered.
                    while let frame = try server.frames.next() {
                        if frame.type == RawFrame.Kind.data { break }
                        server.answer(ping: frame)
                    }
                    try server.awaitEnd()
                }
            }
            let connection = try await client.connect(to: listener.endpoint)
            let updates = connection.stateUpdates()
            let states = Task { await updates.reduce(into: []) { $0.append($1) } }
            let error = try await TransportError.thrown { _ = try await connection.call(Echo.unary, Bytes(utf8: "?")) }
            #expect(error.code == .unavailable, "\(error)")
            #expect(error.description.contains("did not answer a keep-alive ping within 12.0 seconds"), "\(error)")
            #expect(error.endpoint == listener.endpoint)

            let seen = await states.value
            #expect(seen.count == 2)
            #expect(seen.first?.isReady == true)
            guard case .closed(let reason?) = seen.last else {
                Issue.record("the last state is \(String(describing: seen.last))")
                return
            }
            #expect(reason.message == error.message)
            try await script.value
        }
    }

    @Test func `a server that answers stays, until it does not`() async throws {
        try await withClient { client, listener in
            let script = Task {
                try await blocking {
                    var server = try ScriptedServer(on: listener)
                    for _ in 0..<3 {
                        server.answer(ping: try server.next(RawFrame.Kind.ping))
                    }
                    // The fourth remains without answer.
                    _ = try server.next(RawFrame.Kind.ping)
                    try server.awaitEnd()
                }
            }
            let connection = try await client.connect(to: listener.endpoint)
            for await state in connection.stateUpdates() where state.isClosed {}
            try await script.value
            let error = try await TransportError.thrown { _ = try await connection.call(Echo.unary, Bytes()) }
            #expect(error.code == .unavailable)
            #expect(error.processing == .notProcessed)
        }
    }

    @Test func `a server gives up a silent client too`() async throws {
        let events = EventLog()
        var configuration = GRPCTransport.Configuration()
        configuration.keepAlive = Self.policy
        configuration.onEvent = { events.note($0) }
        let server = try GRPCTransport(security: .plaintext, configuration: configuration)
        let listener = try await server.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let endpoint = listener.endpoint
        try await blocking {
            let socket = try RawSocket(to: endpoint)
            socket.send(Raw.opening)
            _ = try socket.drain()
        }
        let event = await events.first(.connectionClosed)
        #expect(event.description.contains("did not answer a keep-alive ping"), "\(event)")
        await server.shutdown(within: .zero)
    }
}
