internal import EventLoops
internal import GRPCCalls
internal import Glibc
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import TransportTLS

extension QUICClientConnection {
    /// Connects to the first address of `endpoint` that answers, and returns when calls can be made.
    static func connect(
        to endpoint: Endpoint, loop: EventLoop, configuration: QUICTransport.Configuration, tls: QUICCredentialsSource
    ) async throws -> QUICClientConnection {
        var addresses = try await InternetAddress.resolve(quic: endpoint, for: loop)
        if let known = (try? tls.current())?.sessions?.address(of: endpoint.authority),
            let index = addresses.firstIndex(of: known)
        {
            addresses.swapAt(0, index)
        }
        var failure: TransportError?
        for address in addresses {
            do {
                // All on the loop: a peer's patience must not run out while the task waits for a thread between two steps.
                return try await withTaskExecutorPreference(loop.taskExecutor) {
                    try await connect(address, endpoint, loop, configuration, tls)
                }
            } catch let error as TransportError {
                // Only a peer that cannot be reached makes the next address worth a try.
                guard error.code == .unavailable else { throw error }
                failure = error
            }
        }
        throw failure
            ?? TransportError(
                .unavailable, "no address", origin: .library, processing: .notProcessed, endpoint: endpoint)
    }

    private static func connect(
        _ address: InternetAddress, _ endpoint: Endpoint, _ loop: EventLoop,
        _ configuration: QUICTransport.Configuration, _ tls: QUICCredentialsSource
    ) async throws -> QUICClientConnection {
        let (credentials, policy, sessions): (QUICCredentials, TLSPolicy, SessionCache?)
        do {
            (credentials, policy, sessions) = try tls.current()
        } catch {
            throw TransportError(
                .invalidArgument, "TLS could not be started", cause: error, origin: .library, processing: .notProcessed,
                endpoint: endpoint)
        }
        let connection = QUICClientConnection(
            loop: loop, endpoint: endpoint, configuration: configuration, policy: policy, credentials: tls.credentials,
            sessions: sessions)
        try await withTaskCancellationHandler {
            try await connection.handshake(with: address, credentials)
        } onCancel: {
            loop.execute { connection.onLoop { $0.abandon() } }
        }
        return connection
    }

    /// Performs the handshake, and waits until the server has judged this side and its SETTINGS have come; not so when
    /// early data can be sent.
    private func handshake(with address: InternetAddress, _ credentials: QUICCredentials) async throws {
        try await suspend { (continuation: Suspension<Void>) in
            // The task may have been cancelled before it came here.
            guard !isClosed else { return continuation.resume(throwing: abandonment) }
            phase = .handshaking(continuation)
            do {
                try start(address, credentials)
            } catch {
                close(
                    TransportError(
                        .unavailable, "cannot connect: \(error)", origin: .library, processing: .notProcessed))
            }
        }
    }

    private func start(_ address: InternetAddress, _ credentials: QUICCredentials) throws {
        let socket = try UDPSocket.connect(to: address, on: loop, configuration: configuration.socket)
        let engine = QUICEndpoint(configuration: configuration.engine(), client: credentials)
        let driver = QUICDriver(loop: loop, socket: socket, endpoint: engine, owner: self)
        self.driver = driver
        try driver.start()
        guard let path = driver.path(to: address) else {
            throw TransportError(.internal, "the address cannot be used", origin: .library)
        }
        let kept = sessions?.takeSession(of: endpoint.authority, at: address)
        self.address = address
        let quic = try engine.connect(
            to: path, serverName: endpoint.host, session: kept?.session,
            token: sessions?.takeToken(of: endpoint.authority), now: driver.now)
        let wire = HTTP3Wire(quic, driver: driver, role: .client, configuration: configuration.http3)
        wire.attach(self)
        self.wire = wire
        loop.schedule(timer, for: self, after: configuration.handshakeTimeout)
        if let kept, quic.offersEarlyData, wire.beginEarly(kept.settings) { beginEarly() }
        driver.scheduleFlush()
    }

    /// Gives up a connection that nobody waits for any more.
    func abandon() {
        guard isHandshaking else { return }
        close(abandonment)
    }

    private var abandonment: TransportError {
        TransportError(.cancelled, "the task was cancelled", processing: .notProcessed, endpoint: endpoint)
    }
}

extension QUICClientConnection: QUICDriverOwner {
    nonisolated func willReceive(_ driver: QUICDriver) { onLoop { $0.refusals = 0 } }
    nonisolated func opened(_ connection: QUICConnection, _ driver: QUICDriver) {}
    nonisolated func refused(_ path: QUICPath, _ limit: QUICLimit, _ driver: QUICDriver) {}
    nonisolated func handOver(
        _ datagram: Bytes, toLoop index: Int, ecn: UInt8, local: InternetAddress, remote: InternetAddress
    ) {}

    nonisolated func undelivered(_ failure: UDPFailure, _ driver: QUICDriver) { onLoop { $0.undelivered(failure) } }

    /// Nobody listens there, says the kernel. The message could be forged, but not without knowing our port: before the
    /// server has been heard it is believed at once, later when it comes again and again and nothing else does.
    private func undelivered(_ failure: UDPFailure) {
        guard failure.errno != EMSGSIZE else { return }
        refusals += 1
        if !isConfirmed, wire?.quic.statistics.datagramsReceived == 0 {
            close(
                TransportError(
                    .unavailable, "cannot connect: \(systemMessage(failure.errno))", origin: .library,
                    processing: .notProcessed))
        } else if refusals >= 3, failure.errno == ECONNREFUSED {
            close(
                TransportError(
                    .unavailable, "the server is gone: \(systemMessage(failure.errno))", origin: .library,
                    processing: isConfirmed ? .unknown : .notProcessed))
        }
    }
}
