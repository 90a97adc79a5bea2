internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOPosix
internal import Synchronization

struct WrongSize: Error {}

/// The client: a task for each call under way.
struct Client: Sendable {
    typealias Connection = GRPCClient<HTTP2ClientTransport.Posix>

    private let options: Options
    private let size: Int
    private let messages: Int
    private let chunk: Message
    private let group: MultiThreadedEventLoopGroup
    private let codec = MessageCodec()

    init(_ options: Options) {
        self.options = options
        size = Int(options.number("size", options.scenario == "bulk" ? 65536 : 64))
        messages = options.count("messages", 100)
        chunk = Message(repeating: 0x78, count: size)
        group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
    }

    /// Whether all went well.
    func run() async throws -> Bool {
        let connectsEachTime = options.scenario == "handshake"
        let connections = try (0..<(connectsEachTime ? 0 : options.count("connections", 1))).map { _ in try connection()
        }
        let running = connections.map { connection in Task { try await connection.runConnections() } }
        // The first call connects.
        for connection in connections { try await echo(connection) }
        let rate = options.number("rate", 0)
        let measurement = Measurement(seconds: max(0.01, options.number("seconds", 3)), rate: rate > 0 ? rate : nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let isBroadcast = options.scenario == "broadcast"
            for index in 0..<max(options.count("concurrency", 1), isBroadcast ? 1 : connections.count) {
                group.addTask {
                    do {
                        if isBroadcast { return try await broadcasts(connections, measurement) }
                        try await work(connectsEachTime ? nil : connections[index % connections.count], measurement)
                    } catch {
                        measurement.error("\(error)")
                    }
                }
            }
            try await measurement.watch()
            try await group.waitForAll()
        }
        let isGood = measurement.report(histogramPath: options.text("histogram"))
        for connection in connections { connection.beginGracefulShutdown() }
        for task in running { try await task.value }
        return isGood
    }

    private func connection() throws -> Connection {
        let target = options.needed("to").split(separator: ":")
        guard let port = Int(target.last ?? "") else { fail("--to 127.0.0.1:PORT is needed") }
        var security = HTTP2ClientTransport.Posix.TransportSecurity.plaintext
        if options.wire == "grpc-tls" {
            let roots = TLSConfig.TrustRootsSource.certificates([.file(path: options.needed("ca"), format: .pem)])
            security = .tls { $0.trustRoots = roots }
        }
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: security,
            config: .defaults { $0.http2.authority = "localhost" }, eventLoopGroup: group)
        return GRPCClient(transport: transport)
    }

    private func work(_ connection: Connection?, _ measurement: Measurement) async throws {
        guard let connection else { return try await handshakes(measurement) }
        switch options.scenario {
        case "ping-pong": return try await pingPong(connection, measurement)
        case "bulk": return try await bulk(connection, measurement)
        default: break
        }
        while let intended = await measurement.next() {
            switch options.scenario {
            case "client-stream": try await upload(connection, messages: messages)
            case "server-stream": try await download(connection)
            default: try await echo(connection)
            }
            measurement.record(intended, payloadBytes: options.scenario == "unary" ? size : size * messages)
        }
    }

    private func check(_ count: Int, _ expected: Int) throws {
        guard count == expected else { throw WrongSize() }
    }

    private func echo(_ connection: Connection) async throws {
        let count = try await connection.unary(
            request: ClientRequest(message: chunk), descriptor: Echo.unary, serializer: codec, deserializer: codec,
            options: .defaults
        ) { try $0.message.count }
        try check(count, size)
    }

    /// One message to all at once; over when the last has answered.
    private func broadcasts(_ connections: [Connection], _ measurement: Measurement) async throws {
        while let intended = await measurement.next() {
            try await withThrowingDiscardingTaskGroup { group in
                for connection in connections { group.addTask { try await echo(connection) } }
            }
            measurement.record(intended, payloadBytes: size * connections.count)
        }
    }

    private func upload(_ connection: Connection, messages: Int) async throws {
        let count = try await connection.clientStreaming(
            request: StreamingClientRequest { [chunk, messages] writer in
                try await writer.write(contentsOf: repeatElement(chunk, count: messages))
            }, descriptor: Echo.clientStream, serializer: codec, deserializer: codec, options: .defaults
        ) { try $0.message.number(byteCount: 8) }
        try check(count, size * messages)
    }

    private func download(_ connection: Connection) async throws {
        let request = chunk.withUnsafeBytes { Message(bigEndian(messages, byteCount: 4) + $0) }
        let count = try await connection.serverStreaming(
            request: ClientRequest(message: request), descriptor: Echo.serverStream, serializer: codec,
            deserializer: codec, options: .defaults
        ) { response in
            var count = 0
            for try await message in response.messages { count += message.count }
            return count
        }
        try check(count, size * messages)
    }

    /// One stream for all round trips.
    private func pingPong(_ connection: Connection, _ measurement: Measurement) async throws {
        let (sends, send) = AsyncStream.makeStream(of: Int64.self)
        guard let first = await measurement.next() else { return }
        send.yield(first)
        let box = Box(Atomic<Int64>(0))
        try await connection.bidirectionalStreaming(
            request: StreamingClientRequest { [chunk] writer in
                for await intended in sends {
                    box.value.store(intended, ordering: .relaxed)
                    try await writer.write(chunk)
                }
            }, descriptor: Echo.bidi, serializer: codec, deserializer: codec, options: .defaults
        ) { response in
            for try await message in response.messages {
                try check(message.count, size)
                measurement.record(box.value.load(ordering: .relaxed), payloadBytes: size)
                if let next = await measurement.next() { send.yield(next) } else { send.finish() }
            }
        }
    }

    /// Streams of 4 MiB, one after the other: the writer takes hundreds of megabytes before it makes anybody wait, so a
    /// stream without an end would measure how fast memory fills. Each is counted when the server has answered.
    private func bulk(_ connection: Connection, _ measurement: Measurement) async throws {
        let count = max(1, (4 << 20) / max(size, 1))
        while let intended = await measurement.next() {
            try await upload(connection, messages: count)
            measurement.record(intended, payloadBytes: size * count)
        }
    }

    /// A connection, one echo, and the end.
    private func handshakes(_ measurement: Measurement) async throws {
        while let intended = await measurement.next() {
            let connection = try connection()
            async let running: Void = connection.runConnections()
            try await echo(connection)
            measurement.record(intended, payloadBytes: size)
            connection.beginGracefulShutdown()
            try await running
        }
    }
}

/// An atomic number that closures share.
final class Box<Value: AtomicRepresentable & Sendable>: Sendable {
    let value: Atomic<Value>
    init(_ value: consuming Atomic<Value>) { self.value = value }
}
