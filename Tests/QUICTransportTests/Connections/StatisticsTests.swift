import ForeignPeers
import NodeTransport
import QUICTransport
import Synchronization
import Testing

/// What a metrics layer reads.
@Suite(.timeLimit(.minutes(1))) struct StatisticsTests {
    private struct EchoingService: Service {
        var handlers: [MethodHandler] { RigService().handlers }
        var datagramHandler: DatagramHandler? { { datagram, _ in datagram } }
    }

    @Test func `figures of open connections, and sums that outlive them`() async throws {
        let closed = Mutex<[QUICTransportStatistics.ConnectionSnapshot]>([])
        let tls = TestIdentities.shared.mutual
        var configuration = QUICTransport.Configuration()
        configuration.datagramQueueBytes = 2_000
        configuration.onConnectionClosed = { last in closed.withLock { $0.append(last) } }
        let server = try QUICTransport(tls: tls)
        let client = try QUICTransport(tls: tls, configuration: configuration)
        let outcome = await Result {
            let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [EchoingService()])
            let connection = try await client.connect(to: listener.endpoint)
            let other = try await client.connect(to: listener.endpoint)
            // The server counts a connection when the client's SETTINGS have come, and answers no call before.
            _ = try await other.call(RigMethods.unary, Bytes())
            // Nobody reads what comes back: the oldest give way.
            while await client.statistics().totals.droppedDatagrams == 0 {
                try await connection.sendDatagram(Bytes([UInt8](repeating: 1, count: 1_000)))
                _ = try await connection.call(RigMethods.unary, Bytes(utf8: "x"))
            }
            let open = await client.statistics()
            #expect(open.connections.count == 2 && open.totals.connections == 2)
            #expect(open.connections.allSatisfy { $0.role == .client && $0.peer != nil })
            #expect(open.connections.contains { $0.statistics.droppedDatagrams > 0 })
            #expect(open.totals.packetsSent == open.connections.reduce(0) { $0 + $1.statistics.packetsSent })
            let accepted = await server.statistics()
            #expect(accepted.connections.count == 2 && accepted.connections.allSatisfy { $0.role == .server })

            await connection.close(within: .zero)
            let later = await client.statistics()
            #expect(later.connections.count == 1 && later.totals.connections == 2)
            #expect(later.totals.droppedDatagrams >= open.totals.droppedDatagrams)
            #expect(later.totals.bytesSent >= open.totals.bytesSent)
            let last = closed.withLock { $0 }
            #expect(last.count == 1 && (last.first?.statistics.droppedDatagrams ?? 0) > 0)
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
        #expect(closed.withLock { $0.count } == 2)
        #expect(await client.statistics().connections.isEmpty)
    }
}
