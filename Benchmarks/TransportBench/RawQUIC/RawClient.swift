#if canImport(QUICTransport)
    internal import EventLoops
    internal import NodeTransport
    internal import QUICEngine
    internal import Synchronization
    internal import TransportTLS

    /// Calls over raw streams: a task for each call under way.
    struct RawClient: Sendable {
        let scenario: Scenario
        let size: Int
        let messageCount: Int
        let port: Int
        let credentials: QUICCredentials
        let loop: EventLoop
        private let message: Bytes

        init(
            scenario: Scenario, size: Int, messageCount: Int, port: Int, tls: TLSConfiguration, loop: EventLoop
        ) throws {
            self.scenario = scenario
            self.size = size
            self.messageCount = messageCount
            self.port = port
            self.loop = loop
            credentials = try RawSetup.credentials(tls, role: .client)
            message = Bytes([UInt8](repeating: 0x5a, count: size))
        }

        /// A connection whose handshake is complete. On the loop.
        nonisolated(nonsending) func connect(resuming session: QUICSession? = nil) async throws -> RawConnection {
            guard let address = InternetAddress("127.0.0.1", port: UInt16(port)) else { throw Failure.noAddress }
            let socket = try UDPSocket.connect(to: address, on: loop)
            let endpoint = QUICEndpoint(configuration: RawSetup.configuration, client: credentials)
            let driver = RawDriver(socket: socket, endpoint: endpoint)
            try driver.start()
            guard let path = driver.path(to: address) else { throw Failure.noAddress }
            let quic = try endpoint.connect(to: path, serverName: "localhost", session: session, now: driver.now)
            let connection = RawConnection(quic, driver)
            driver.scheduleFlush()
            try await connection.waitForHandshake()
            return connection
        }

        enum Failure: Error { case noAddress, wrongSize, notResumed }

        /// Runs the scenario; what goes wrong is counted, and ends the task. On the loop.
        nonisolated(nonsending) func run(
            _ connection: RawConnection?, _ echoes: RawDatagrams?, task: Int, _ measurement: Measurement
        ) async {
            do {
                guard let connection else { return try await handshakes(measurement) }
                switch scenario {
                case .pingPong: try await pingPong(connection, measurement)
                case .bulk: try await bulk(connection, measurement)
                case .datagram: try await echoes?.run(task: task, size: size, measurement)
                default: try await calls(connection, measurement)
                }
            } catch {
                measurement.error("\(error)")
            }
        }

        private func check(_ count: Int, _ expected: Int) throws {
            guard count == expected else { throw Failure.wrongSize }
        }

        private func request(_ mode: UInt8, count: Int? = nil) -> Bytes {
            var request = BytesBuilder(capacity: size + 5)
            request.append(mode)
            if let count { request.append(bigEndian: UInt32(count)) }
            request.append(message)
            return request.finish()
        }

        private nonisolated(nonsending) func calls(_ connection: RawConnection, _ measurement: Measurement) async throws
        {
            let echo = request(UInt8(ascii: "E"))
            let download = request(UInt8(ascii: "S"), count: messageCount)
            let firstUpload = request(UInt8(ascii: "C"))
            let total = scenario == .unary ? size : size * messageCount
            while let intended = await measurement.next() {
                let stream = try await connection.open()
                switch scenario {
                case .clientStream:
                    for index in 0..<messageCount {
                        try await stream.write(index == 0 ? firstUpload : message, isLast: index == messageCount - 1)
                    }
                    try check(try await number(stream), total)
                case .serverStream:
                    try await stream.write(download, isLast: true)
                    try check(try await drain(stream), total)
                default:
                    try await stream.write(echo, isLast: true)
                    try check(try await drain(stream), total)
                }
                measurement.record(intended, payloadBytes: total)
            }
        }

        private nonisolated(nonsending) func drain(_ stream: RawStream) async throws -> Int {
            var count = 0
            while let bytes = try await stream.read() { count += bytes.count }
            return count
        }

        private nonisolated(nonsending) func number(_ stream: RawStream) async throws -> Int {
            var answer = BytesBuilder(capacity: 8)
            while let bytes = try await stream.read() { answer.append(bytes) }
            return answer.finish().splitNumber(byteCount: 8).number
        }

        /// One stream for all round trips.
        private nonisolated(nonsending) func pingPong(_ connection: RawConnection, _ measurement: Measurement)
            async throws
        {
            let stream = try await connection.open()
            var next = request(UInt8(ascii: "E"))
            while let intended = await measurement.next() {
                try await stream.write(next)
                var count = 0
                while count < size, let bytes = try await stream.read() { count += bytes.count }
                try check(count, size)
                measurement.record(intended, payloadBytes: size)
                next = message
            }
            try await stream.write(Bytes(), isLast: true)
        }

        /// One stream, as many bytes as it takes; the server counts them.
        private nonisolated(nonsending) func bulk(_ connection: RawConnection, _ measurement: Measurement) async throws
        {
            let stream = try await connection.open()
            var total = 0
            var next = request(UInt8(ascii: "C"))
            while let intended = await measurement.next() {
                try await stream.write(next)
                total += size
                measurement.record(intended, payloadBytes: size)
                next = message
            }
            try await stream.write(Bytes(), isLast: true)
            try check(try await number(stream), total)
        }

        /// A connection, one echo, and its end.
        private nonisolated(nonsending) func handshakes(_ measurement: Measurement) async throws {
            let echo = request(UInt8(ascii: "E"))
            var session: QUICSession?
            while let intended = await measurement.next() {
                let connection = try await connect(resuming: session)
                if session != nil, !connection.quic.isResumed { throw Failure.notResumed }
                let stream = try await connection.open()
                try await stream.write(echo, isLast: true)
                try check(try await drain(stream), size)
                measurement.record(intended, payloadBytes: size)
                if scenario == .resume { session = connection.session ?? session }
                connection.close()
                connection.driver.stop()
            }
        }
    }
#endif
