import NodeTransport
import QUICEngine
import Testing

@Suite("QUIC streams")
struct StreamTests {
    @Test func `A bidirectional stream brings back what was sent`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        let stream = try connection.openStream(isBidirectional: true)
        #expect(connection.write(stream, "hello", isLast: true) == .accepted)
        #expect(pair.run { pair.client.closedStreams[stream.id] != nil })
        #expect(pair.client.received[stream.id] == Array("hello".utf8))
        #expect(pair.client.ended == [stream.id] && pair.server.ended == [stream.id])
        #expect(stream.isClosed && connection.openStreamCount == 0)
        #expect(connection.write(stream, "more") == .closed)
    }

    @Test func `A thousand streams come back, no more open at a time than allowed`() throws {
        let pair = try Pair()
        let connection = try pair.handshake()
        var opened = 0
        func openMore() {
            while opened < 1000, let stream = try? connection.openStream(isBidirectional: true) {
                opened += 1
                _ = connection.write(stream, Bytes(utf8: "call \(stream.id)"), isLast: true)
            }
        }
        pair.client.onEvent = { if case .streamsAvailable = $0 { openMore() } }
        openMore()
        #expect(opened == 256)
        #expect(pair.run { pair.client.closedStreams.count == 1000 })
        for id in stride(from: Int64(0), to: 4000, by: 4) {
            #expect(pair.client.received[id] == Array("call \(id)".utf8))
        }
        #expect(pair.run { pair.server.connection?.openStreamCount == 0 })
    }

    @Test func `A thousand unidirectional streams, no more open at a time than allowed`() throws {
        let pair = try Pair(behaviour: .collect)
        let connection = try pair.handshake()
        var opened = 0
        func openMore() {
            while opened < 1000, let stream = try? connection.openStream(isBidirectional: false) {
                opened += 1
                _ = connection.write(stream, Bytes(utf8: "note \(stream.id)"), isLast: true)
            }
        }
        pair.client.onEvent = { if case .streamsAvailable = $0 { openMore() } }
        openMore()
        #expect(opened == 256)
        #expect(pair.run { pair.server.closedStreams.count == 1000 && pair.client.closedStreams.count == 1000 })
        #expect(pair.server.connection?.openStreamCount == 0 && connection.openStreamCount == 0)
    }

    @Test func `A reader that gives no credit stops the writer, and both keep little`() throws {
        let pair = try Pair(behaviour: .hold)
        let connection = try pair.handshake()
        let stream = try connection.openStream(isBidirectional: false)
        let chunk = Bytes(repeating: 7, count: 64 << 10)
        var written = 0
        func fill() {
            while written < 100 << 20 {
                let result = connection.write(stream, chunk)
                if result == .refusedAsFull { break }
                written += chunk.count
                if result == .acceptedAndFull { break }
            }
        }
        pair.client.onEvent = { if case .streamWritable = $0 { fill() } }
        fill()
        pair.pass(.seconds(20))
        let window = Int(QUICConfiguration().initialStreamWindowBytes)
        #expect(pair.server.received[stream.id]?.count == window)
        #expect(stream.bufferedBytes <= 2 << 20)
        #expect(written <= (2 << 20) + window)

        // Then it reads, and the writer goes on.
        let before = written
        let reader = try #require(pair.server.connection?.stream(stream.id))
        pair.server.behaviour = .collect
        pair.server.connection?.consume(reader, byteCount: window)
        #expect(pair.run { (pair.server.received[stream.id]?.count ?? 0) >= window * 4 })
        #expect(written > before)
    }

    @Test func `The connection's window holds many streams back together`() throws {
        var configuration = QUICConfiguration()
        configuration.maxConnectionWindowBytes = configuration.initialConnectionWindowBytes
        let pair = try Pair(serverConfiguration: configuration, behaviour: .hold)
        let connection = try pair.handshake()
        for _ in 0..<8 {
            let stream = try connection.openStream(isBidirectional: false)
            _ = connection.write(stream, Bytes(repeating: 1, count: 200 << 10), isLast: true)
        }
        pair.pass(.seconds(5))
        let received = pair.server.received.values.reduce(0) { $0 + $1.count }
        #expect(received == Int(configuration.initialConnectionWindowBytes))
        pair.server.behaviour = .collect
        for (id, bytes) in pair.server.received {
            if let stream = pair.server.connection?.stream(id) {
                pair.server.connection?.consume(stream, byteCount: bytes.count)
            }
        }
        #expect(pair.run { pair.server.ended.count == 8 })
    }

    @Test func `A reset brings its code to the reader`() throws {
        let pair = try Pair(behaviour: .collect)
        let connection = try pair.handshake()
        let stream = try connection.openStream(isBidirectional: false)
        _ = connection.write(stream, "begun")
        pair.pass(.milliseconds(50))
        connection.reset(stream, code: 77)
        #expect(pair.run { pair.server.resets[stream.id] != nil && pair.client.closedStreams[stream.id] != nil })
        #expect(pair.server.resets[stream.id] == 77)
        #expect(pair.run { pair.server.closedStreams[stream.id] == .some(77) }, "\(pair.server.closedStreams)")
        #expect(connection.write(stream, "more") == .closed)
    }

    @Test func `A reader that wants no more stops the writer, whether it is writing or waiting for credit`() throws {
        let pair = try Pair(behaviour: .hold)
        let connection = try pair.handshake()
        let waiting = try connection.openStream(isBidirectional: true)
        let writing = try connection.openStream(isBidirectional: true)
        _ = connection.write(waiting, Bytes(repeating: 1, count: 1 << 20))
        _ = connection.write(writing, "x")
        pair.pass(.seconds(1))
        let server = try #require(pair.server.connection)
        server.stopSending(try #require(server.stream(waiting.id)), code: 9)
        server.stopSending(try #require(server.stream(writing.id)), code: 9)
        pair.pass(.milliseconds(100))
        #expect(pair.client.stopped.contains(waiting.id))
        #expect(waiting.unsentBytes == 0)
        _ = connection.write(writing, "y")
        #expect(pair.run { pair.client.stopped.contains(writing.id) })
        #expect(connection.write(writing, "z") == .closed)
    }

    @Test func `Two megabytes arrive intact at two percent loss and two percent corruption`() throws {
        for seed in UInt64(1)...3 {
            let pair = try Pair(
                link: Link(jitter: .milliseconds(2), loss: 0.02, corruption: 0.02, duplication: 0.01), seed: seed)
            let connection = try pair.handshake()
            var generator = SeededGenerator(seed)
            let body = generator.bytes(2 << 20)
            let stream = try connection.openStream(isBidirectional: true)
            let bytes = Bytes(body)
            for start in stride(from: 0, to: body.count, by: 50_000) {
                let end = min(start + 50_000, body.count)
                pair.client.send(stream, bytes.slice(start..<end), isLast: end == body.count)
            }
            #expect(pair.run(for: .seconds(300)) { pair.client.closedStreams[stream.id] != nil }, "seed \(seed)")
            #expect(pair.client.received[stream.id] == body, "seed \(seed)")
            #expect(connection.statistics.lostStreamPackets > 0)
        }
    }
}
