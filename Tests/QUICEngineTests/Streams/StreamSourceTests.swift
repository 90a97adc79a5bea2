import NodeTransport
import QUICEngine
import Testing

@Suite("Streams that a source feeds")
struct StreamSourceTests {
    /// Offers what it has of its streams in turn, in vectors of `pieceBytes`, as an HTTP/3 layer would.
    final class Source: QUICStreamSource {
        struct Body {
            let memory: UnsafeMutableBufferPointer<UInt8>
            var offered = 0
            var acknowledged = 0
            var isEnded = false
            var isBlocked = false
            var isShut = false
        }

        var bodies: [Int64: Body] = [:]
        var order: [Int64] = []
        let pieceBytes: Int
        var blocks = 0

        init(pieceBytes: Int) { self.pieceBytes = pieceBytes }

        deinit { for body in bodies.values { body.memory.deallocate() } }

        func add(_ stream: Int64, _ bytes: [UInt8]) {
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = memory.initialize(from: bytes)
            bodies[stream] = Body(memory: memory)
            order.append(stream)
        }

        func nextOffer(_ vectors: UnsafeMutableBufferPointer<QUICVector>) -> QUICStreamOffer? {
            guard
                let id = order.first(where: { bodies[$0].map { !$0.isEnded && !$0.isBlocked && !$0.isShut } ?? false }),
                let body = bodies[id]
            else { return nil }
            var position = body.offered
            var count = 0
            while count < vectors.count && position < body.memory.count {
                let size = min(pieceBytes, body.memory.count - position)
                vectors[count] = QUICVector(
                    base: body.memory.baseAddress.map { UnsafePointer($0 + position) }, count: size)
                position += size
                count += 1
            }
            return QUICStreamOffer(stream: id, vectorCount: count, isLast: position == body.memory.count)
        }

        func didAccept(stream: Int64, byteCount: Int) {
            guard var body = bodies[stream] else { return }
            body.offered += byteCount
            body.isEnded = body.offered == body.memory.count
            bodies[stream] = body
            order.append(order.removeFirst())
        }

        func didBlock(stream: Int64) {
            blocks += 1
            bodies[stream]?.isBlocked = true
        }

        func didShutWrite(stream: Int64) { bodies[stream]?.isShut = true }
    }

    @Test(arguments: [1_000_000, 1000, 7]) func `All streams arrive whole, whatever the pieces`(pieceBytes: Int) throws
    {
        let pair = try Pair(link: Link(jitter: .milliseconds(1), loss: 0.01))
        let connection = try pair.handshake()
        let source = Source(pieceBytes: pieceBytes)
        connection.source = source
        pair.client.onEvent = { event in
            switch event {
            case .streamUnblocked(let stream):
                source.bodies[stream.id]?.isBlocked = false
                connection.sourceHasData()
            case .streamAcknowledged(let stream, let byteCount): source.bodies[stream.id]?.acknowledged += byteCount
            default: break
            }
        }
        var generator = SeededGenerator(4)
        var bodies: [Int64: [UInt8]] = [:]
        for _ in 0..<5 {
            let stream = try connection.openStream(isBidirectional: true)
            // More than a stream's first window.
            let body = generator.bytes(pieceBytes == 7 ? 20_000 : 400_000)
            bodies[stream.id] = body
            source.add(stream.id, body)
        }
        // One that the engine feeds itself, beside them.
        let plain = try connection.openStream(isBidirectional: true)
        bodies[plain.id] = Array("plain".utf8)
        _ = connection.write(plain, "plain", isLast: true)
        connection.sourceHasData()
        #expect(pair.run { pair.client.closedStreams.count == 6 })
        #expect(pair.client.received == bodies)
        for body in source.bodies.values { #expect(body.acknowledged == body.memory.count) }
    }

    @Test func `A source is told of a stream without credit, and of one that the peer stopped`() throws {
        let pair = try Pair(behaviour: .hold)
        let connection = try pair.handshake()
        let source = Source(pieceBytes: 4096)
        connection.source = source
        let stream = try connection.openStream(isBidirectional: true)
        source.add(stream.id, [UInt8](repeating: 1, count: 600_000))
        connection.sourceHasData()
        #expect(pair.run { source.blocks == 1 })
        let peer = try #require(pair.server.connection)
        #expect(pair.run { pair.server.received[stream.id]?.count == 256 << 10 })
        peer.stopSending(try #require(peer.stream(stream.id)), code: 4)
        #expect(pair.run { pair.client.stopped.contains(stream.id) })
        source.bodies[stream.id]?.isBlocked = false
        connection.sourceHasData()
        #expect(pair.run { source.bodies[stream.id]?.isShut == true })
    }
}
