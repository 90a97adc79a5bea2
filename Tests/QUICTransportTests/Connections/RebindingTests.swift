import ForeignPeers
import NodeTransport
import QUICEngine
import Testing

@testable import QUICTransport

/// The client's address changes underneath it, as behind a translator that has forgotten it.
@Suite(.timeLimit(.minutes(1))) struct RebindingTests {
    /// It has nothing to say by which the server would learn where its word that there is room has to go.
    @Test func `a client whose calls all wait for a stream lets its server know its new address`() async throws {
        let identity = try HandIdentity.shared.get()
        var configuration = QUICTransport.Configuration()
        configuration.idleTimeout = .seconds(12)
        let client = try QUICTransport(identity: identity.node, trust: identity.trust, configuration: configuration)
        // Sound: after `port` only the blocking thread uses it.
        nonisolated(unsafe) let server = try HandServer()
        let relay = try GatedRelay(to: server.port)
        let port = relay.port
        async let isQuiet = blocking {
            server.run { server.isConfirmed && server.silence > .milliseconds(500) }
        }
        let connection = try await client.connect(to: Endpoint(parsing: "quic://127.0.0.1:\(port)"))
        let quic = try #require(connection as? QUICClientConnection)
        async let reply = Result { try await connection.call(RigMethods.unary, Bytes(utf8: "waits")) }
        try await wait(for: quic) { $0.queue.count == 1 }
        #expect(await isQuiet)
        relay.rebind()
        #expect(await blocking { server.run { server.closed != nil || !server.pathChanges.isEmpty } })
        #expect(server.closed == nil)
        #expect(!connection.state.isClosed)
        await client.shutdown(within: .zero)
        _ = await reply
        await relay.stop()
    }
}
