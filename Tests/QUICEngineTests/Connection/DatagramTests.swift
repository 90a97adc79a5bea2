import NodeTransport
import QUICEngine
import Testing

@Suite("QUIC datagrams")
struct DatagramTests {
    @Test func `Datagrams arrive, and the sender learns it`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        let ids = try (0..<10).map { try connection.sendDatagram([UInt8($0)]) }
        #expect(pair.run { pair.client.datagrams.count == 10 && pair.client.acknowledgedDatagrams == Set(ids) })
        #expect(pair.client.datagrams == (0..<10).map { [UInt8($0)] })
    }

    @Test func `Lost datagrams are reported and not sent again`() throws {
        let pair = try Pair(behaviour: .collect, seed: 5)
        let connection = try pair.handshake()
        pair.link.loss = 0.3
        for _ in 0..<100 {
            _ = try connection.sendDatagram(Bytes(repeating: 1, count: 500))
            pair.pass(.milliseconds(20))
        }
        pair.link.loss = 0
        #expect(pair.run { pair.client.acknowledgedDatagrams.count >= pair.server.datagrams.count - 1 })
        // ngtcp2 0.12 does not report those whose packet it had probed for before.
        #expect(pair.client.acknowledgedDatagrams.count + pair.client.lostDatagrams.count <= 100)
        #expect(!pair.client.lostDatagrams.isEmpty && pair.server.datagrams.count < 100)
        #expect(connection.statistics.lostDatagrams == UInt64(pair.client.lostDatagrams.count))
    }

    @Test func `A full queue drops the oldest`() throws {
        let pair = try Pair(behaviour: .collect)
        let connection = try pair.handshake()
        let count = 3000
        for index in 0..<count {
            var builder = BytesBuilder(capacity: 1000)
            builder.append(bigEndian: UInt32(index))
            builder.append(contentsOf: [UInt8](repeating: 0, count: 996))
            _ = try connection.sendDatagram(builder.finish())
        }
        let kept = (1 << 20) / 1000
        #expect(connection.statistics.droppedDatagrams == UInt64(count - kept))
        #expect(pair.run { pair.server.datagrams.count == kept })
        #expect(pair.server.datagrams.first?.prefix(4).reduce(0) { $0 << 8 | Int($1) } == count - kept)
    }

    @Test func `What does not fit is refused, and so is all when the peer takes none`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        let most = connection.maxDatagramBytes
        #expect(throws: QUICError.self) { try connection.sendDatagram(Bytes(repeating: 0, count: most + 1)) }
        _ = try connection.sendDatagram(Bytes(repeating: 0, count: most))
        #expect(pair.run { pair.client.datagrams.first?.count == most })

        var none = QUICConfiguration()
        none.maxDatagramFrameBytes = 0
        let other = try Pair(serverConfiguration: none)
        let refused = try other.handshake()
        #expect(refused.maxDatagramBytes == 0)
        #expect(throws: QUICError.self) { try refused.sendDatagram([1]) }
    }
}
