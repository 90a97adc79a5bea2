internal import NodeTransport

/// What each task of a client does until the time is over.
struct Work: Sendable {
    struct WrongSize: Error {}

    let scenario: Scenario
    let message: Bytes
    let messageCount: Int
    let transport: any Transport
    let target: Endpoint
    /// Who hears a broadcast.
    let peers: [any Connection]
    /// Whether calls stay on the pool of threads instead of their connection's event loop.
    let fromPool: Bool
    let measurement: Measurement

    /// Runs the scenario; what goes wrong is counted, and ends the task.
    nonisolated(nonsending) func run(_ connection: (any Connection)?, _ echoes: DatagramEchoes?, task: Int) async {
        do {
            guard let connection else { return try await handshakes() }
            switch scenario {
            case .unary: try await unary(connection)
            case .clientStream: try await clientStreams(connection)
            case .serverStream: try await serverStreams(connection)
            case .pingPong: try await pingPong(connection)
            case .bulk: try await bulk(connection)
            case .datagram: try await echoes?.run(task: task, size: message.count, measurement)
            case .broadcast: try await broadcast()
            case .get: try await get(connection)
            case .handshake, .resume: break
            }
        } catch {
            measurement.error("\(error)")
        }
    }

    func check(_ count: Int, _ expected: Int) throws {
        guard count == expected else { throw WrongSize() }
    }

    private nonisolated(nonsending) func unary(_ connection: any Connection) async throws {
        while let intended = await measurement.next() {
            try check(try await connection.call(Echo.unary, message).count, message.count)
            measurement.record(intended, payloadBytes: message.count)
        }
    }

    private nonisolated(nonsending) func clientStreams(_ connection: any Connection) async throws {
        let total = message.count * messageCount
        while let intended = await measurement.next() {
            let call = try await connection.call(Echo.clientStream)
            for _ in 0..<messageCount { try await call.requests.send(message) }
            try check(try await call.response().splitNumber(byteCount: 8).number, total)
            measurement.record(intended, payloadBytes: total)
        }
    }

    private nonisolated(nonsending) func serverStreams(_ connection: any Connection) async throws {
        var request = BytesBuilder(capacity: 4 + message.count)
        request.append(bigEndian: UInt32(messageCount))
        request.append(message)
        let question = request.finish()
        let total = message.count * messageCount
        while let intended = await measurement.next() {
            let responses = try await connection.call(Echo.serverStream, question)
            var count = 0
            while let response = try await responses.next() { count += response.count }
            try check(count, total)
            measurement.record(intended, payloadBytes: total)
        }
    }

    /// One stream for all round trips.
    private nonisolated(nonsending) func pingPong(_ connection: any Connection) async throws {
        let call = try await connection.call(Echo.bidi)
        while let intended = await measurement.next() {
            try await call.requests.send(message)
            try check(try await call.responses.next()?.count ?? -1, message.count)
            measurement.record(intended, payloadBytes: message.count)
        }
        try await call.requests.finish()
    }

    /// One stream, as many messages as it takes; the server counts them.
    private nonisolated(nonsending) func bulk(_ connection: any Connection) async throws {
        let call = try await connection.call(Echo.clientStream)
        var total = 0
        while let intended = await measurement.next() {
            try await call.requests.send(message)
            total += message.count
            measurement.record(intended, payloadBytes: message.count)
        }
        try check(try await call.response().splitNumber(byteCount: 8).number, total)
    }

    /// A connection, one message each way, and its end.
    private nonisolated(nonsending) func handshakes() async throws {
        while let intended = await measurement.next() {
            let connection = try await transport.connect(to: target)
            try check(try await connection.call(Echo.unary, message).count, message.count)
            measurement.record(intended, payloadBytes: message.count)
            await connection.close(within: .zero)
        }
    }
}
