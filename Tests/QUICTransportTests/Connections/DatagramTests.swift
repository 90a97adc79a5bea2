import ForeignPeers
import NodeTransport
import QUICTransport
import Testing

/// Datagrams on a connection that nothing else was sent on.
@Suite(.timeLimit(.minutes(1))) struct DatagramTests {
    private struct EchoingService: Service {
        var handlers: [MethodHandler] { RigService().handlers }
        var datagramHandler: DatagramHandler? { { datagram, _ in datagram } }
    }

    /// It leaves in one packet with the request that it belongs to, and is read before it.
    @Test func `the first datagrams of a connection come back`() async throws {
        let server = try QUICTransport(tls: TestIdentities.shared.mutual)
        let client = try QUICTransport(tls: TestIdentities.shared.mutual)
        let outcome = await Result {
            let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [EchoingService()])
            for _ in 0..<8 {
                let connection = try await client.connect(to: listener.endpoint)
                try await connection.sendDatagram(Bytes(utf8: "first"))
                #expect(try await connection.receiveDatagram() == Bytes(utf8: "first"))
            }
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
    }
}
