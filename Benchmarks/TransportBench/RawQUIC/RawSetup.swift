#if canImport(QUICTransport)
    internal import EventLoops
    internal import NodeTransport
    internal import QUICEngine
    internal import TransportTLS

    /// Endpoints for raw streams.
    enum RawSetup {
        static let applicationProtocol = "bench"

        static var configuration: QUICConfiguration {
            var configuration = QUICConfiguration()
            configuration.initialStreamWindowBytes = 4 << 20
            configuration.maxStreamWindowBytes = 16 << 20
            configuration.initialConnectionWindowBytes = 16 << 20
            configuration.maxConnectionWindowBytes = 64 << 20
            configuration.maxBidirectionalStreams = 4096
            // All clients of a benchmark have the same address.
            configuration.newConnectionsPerSecondPerAddress = 1_000_000
            configuration.newConnectionBurstPerAddress = 1_000_000
            return configuration
        }

        static func credentials(_ tls: TLSConfiguration, role: QUICCredentials.Role) throws -> QUICCredentials {
            let policy = try TLSPolicy(tls, role: role == .server ? .server : .client)
            var options = QUICCredentials.Options(role: role, applicationProtocols: [applicationProtocol])
            if let identity = policy.identity {
                options.certificateChain = identity.chain
                options.privateKey = try identity.withPrivateKeyPKCS8 { (key) throws(TLSError) in Bytes(copying: key) }
            }
            return try QUICCredentials(options) { chain, name in
                switch policy.judge(chain, host: name, now: .now) {
                case .accepted(let acceptance): .acceptAs(acceptance)
                case .refused(let error, let alert): .refuse(alert: alert.rawValue, error: error)
                }
            }
        }
    }

    /// Serves raw streams: a task for each. The first byte of a stream says what is done with the rest.
    enum RawServer {
        /// Listens on one loop, so that one thread does the work, as with the other libraries; the port.
        static func start(port: Int, tls: TLSConfiguration) async throws -> Int {
            guard let address = InternetAddress("127.0.0.1", port: UInt16(port)) else { return 0 }
            let loop = EventLoopGroup.shared.next()
            let credentials = try RawSetup.credentials(tls, role: .server)
            return try await suspend { (continuation: Suspension<Int>) in
                loop.execute {
                    do {
                        let socket = try UDPSocket.bind(address, on: loop)
                        let endpoint = QUICEndpoint(configuration: RawSetup.configuration, server: credentials)
                        // The socket keeps it.
                        let driver = RawDriver(socket: socket, endpoint: endpoint, accepted: serve)
                        try driver.start()
                        drivers.append(driver)
                        continuation.resume(returning: Int(socket.localAddress.port))
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
        }

        // Sound: changed once, on the loop, before anything listens.
        private nonisolated(unsafe) static var drivers: [RawDriver] = []

        private static func serve(_ connection: RawConnection) {
            connection.onDatagram = { [unowned connection] datagram in try? connection.send(datagram: datagram) }
            connection.onStream = { stream in
                // Ends with the stream or the connection.
                _ = Task.immediate(executorPreference: connection.driver.loop.taskExecutor) { try await serve(stream) }
            }
        }

        private nonisolated(nonsending) static func serve(_ stream: RawStream) async throws {
            guard let first = try await stream.read() else { return }
            let rest = first.slice(1..<first.count)
            switch first.first {
            case UInt8(ascii: "E"):
                if !rest.isEmpty { try await stream.write(rest) }
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.write(Bytes(), isLast: true)
            case UInt8(ascii: "C"):
                var count = rest.count
                while let bytes = try await stream.read() { count += bytes.count }
                var answer = BytesBuilder(capacity: 8)
                answer.append(bigEndian: UInt64(count))
                try await stream.write(answer.finish(), isLast: true)
            case UInt8(ascii: "S"):
                var request = BytesBuilder(capacity: rest.count)
                request.append(rest)
                while let bytes = try await stream.read() { request.append(bytes) }
                let (count, payload) = request.finish().splitNumber(byteCount: 4)
                for _ in 0..<count { try await stream.write(payload) }
                try await stream.write(Bytes(), isLast: true)
            default: break
            }
        }
    }
#endif
