internal import EventLoops
internal import GRPCCalls
internal import Glibc
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import Synchronization
internal import TransportTLS

/// The sockets on which one address is served, one for each event loop.
final class QUICListener: Listener {
    private struct State {
        var connections: [ObjectIdentifier: QUICServerConnection] = [:]
        var drivers: [QUICDriver] = []
        /// Datagrams on their way from one loop to another.
        var handedOver = 0
        var isShutDown = false
    }

    /// More are dropped, as the network would.
    private static let maximumHandedOver = 4096

    let endpoint: Endpoint
    private let methods: ServerMethods
    let datagramHandler: DatagramHandler?
    let routes: HTTP3Routes
    private let configuration: QUICTransport.Configuration
    private let tls: QUICCredentialsSource
    private let state = Mutex(State())
    private let revocations = Mutex<RevocationSubscription?>(nil)

    /// Binds `endpoint` on each of `loops` and begins to accept.
    static func make(
        on endpoint: Endpoint, loops: [EventLoop], table: ServiceTable, routes: HTTP3Routes,
        configuration: QUICTransport.Configuration, tls: QUICCredentialsSource
    ) async throws -> QUICListener {
        guard let address = try await InternetAddress.resolve(quic: endpoint, for: loops.first).first else {
            throw TransportError(.unavailable, "no address to listen on", endpoint: endpoint)
        }
        let sockets: [UDPSocket]
        do throws(LoopError) {
            sockets = try UDPSocket.bind(address, on: loops, configuration: configuration.socket)
        } catch {
            throw bindError(error, endpoint)
        }
        // The host stays as it was asked for; only the port may be news.
        let port = sockets.first.map { Int($0.localAddress.port) } ?? endpoint.port ?? 0
        let listener = QUICListener(
            endpoint: endpoint.withPort(port), table: table, routes: routes, configuration: configuration,
            tls: tls)
        listener.watchRevocations()
        let secrets = QUICSecrets()
        for socket in sockets { await listener.start(socket, secrets, count: sockets.count) }
        return listener
    }

    private init(
        endpoint: Endpoint, table: ServiceTable, routes: HTTP3Routes, configuration: QUICTransport.Configuration,
        tls: QUICCredentialsSource
    ) {
        self.endpoint = endpoint
        methods = ServerMethods(table)
        datagramHandler = table.datagramHandler
        self.routes = routes
        self.configuration = configuration
        self.tls = tls
    }

    private static func bindError(_ error: LoopError, _ endpoint: Endpoint) -> TransportError {
        let code: StatusCode =
            switch error.errno {
            case EADDRINUSE: .alreadyExists
            case EACCES, EPERM: .permissionDenied
            default: .unavailable
            }
        return TransportError(
            code, "cannot listen: \(systemMessage(error.errno))", origin: .library, endpoint: endpoint)
    }

    /// Begins to receive, on the socket's loop.
    private func start(_ socket: UDPSocket, _ secrets: QUICSecrets, count: Int) async {
        let loop = socket.loop
        try? await suspend { (continuation: Suspension<Void>) in
            loop.execute {
                let endpoint = QUICEndpoint(
                    configuration: self.configuration.engine(loopIndex: loop.index),
                    server: try? self.tls.current().credentials, secrets: secrets)
                let driver = QUICDriver(
                    loop: loop, socket: socket, endpoint: endpoint, owner: self, routing: count > 1 ? secrets : nil,
                    loopCount: count)
                do {
                    try driver.start()
                    self.state.withLock { $0.drivers.append(driver) }
                } catch {
                    self.report(
                        TransportEvent(
                            .acceptFailed, remoteEndpoint: nil,
                            error: TransportError(
                                .unavailable, "receiving failed: \(error)", origin: .library, endpoint: self.endpoint)))
                }
                continuation.resume()
            }
        }
    }

    // MARK: Connections

    var credentials: Credentials { tls.credentials }

    func report(_ event: TransportEvent) { configuration.onEvent?(event) }

    func connectionClosed(_ connection: QUICServerConnection, _ event: TransportEvent) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
        report(event)
    }

    private func watchRevocations() {
        let subscription = tls.credentials.onRevocation { [weak self] in self?.closeRevoked() }
        revocations.withLock { $0 = subscription }
    }

    private func closeRevoked() {
        for connection in state.withLock({ Array($0.connections.values) }) {
            connection.loop.execute { connection.onLoop { $0.closeIfRevoked() } }
        }
    }

    // MARK: Shutdown

    /// Closes every socket without a word, as the kernel does when a process is killed.
    func sever() async {
        let (drivers, connections) = takeAll()
        for driver in drivers { driver.loop.execute { driver.sever() } }
        for connection in connections {
            connection.loop.execute { connection.onLoop { $0.abort("the connection was severed") } }
        }
        for connection in connections { await connection.waitUntilClosed() }
    }

    func shutdown(within grace: Duration) async {
        let (drivers, connections) = takeAll()
        for driver in drivers { driver.loop.execute { driver.endpoint.isAccepting = false } }
        for connection in connections { connection.loop.execute { connection.onLoop { $0.drain() } } }
        await withTaskGroup { group in
            group.addTask {
                // Also when the caller's task is cancelled; does nothing to a connection that has drained.
                try? await connections.first?.loop.sleep(for: grace)
                for connection in connections {
                    connection.loop.execute {
                        connection.onLoop { $0.abort("the server shut down before the call had ended") }
                    }
                }
            }
            for connection in connections { await connection.waitUntilClosed() }
            group.cancelAll()
        }
        for driver in drivers {
            try? await suspend { (continuation: Suspension<Void>) in
                driver.loop.execute {
                    driver.stop()
                    continuation.resume()
                }
            }
        }
    }

    private func takeAll() -> ([QUICDriver], [QUICServerConnection]) {
        state.withLock { state in
            state.isShutDown = true
            return (exchange(&state.drivers, with: []), Array(state.connections.values))
        }
    }
}

// MARK: What the drivers tell

extension QUICListener: QUICDriverOwner {
    func willReceive(_ driver: QUICDriver) {
        guard driver.generation != tls.generation else { return }
        driver.generation = tls.generation
        do {
            driver.endpoint.server = try tls.current().credentials
        } catch {
            // Whoever may no longer be accepted must not be accepted by the old ones.
            driver.endpoint.server = nil
            report(
                TransportEvent(
                    .acceptFailed, remoteEndpoint: nil,
                    error: TransportError(
                        .internal, "TLS could not be started", cause: error, origin: .library, endpoint: endpoint)))
        }
    }

    func opened(_ quic: QUICConnection, _ driver: QUICDriver) {
        guard let policy = try? tls.current().policy else { return }
        let remote = remoteEndpoint(quic.path, driver)
        let wire = HTTP3Wire(quic, driver: driver, role: .server, configuration: configuration.http3)
        let connection = QUICServerConnection(
            wire: wire, remoteEndpoint: remote, methods: methods, configuration: configuration, policy: policy,
            owner: self)
        let refusal = state.withLock { state -> String? in
            if state.isShutDown { return "the listener is shut down" }
            if state.connections.count >= configuration.maximumConnections {
                return "the limit of \(configuration.maximumConnections) connections is reached"
            }
            state.connections[ObjectIdentifier(connection)] = connection
            return nil
        }
        guard let refusal else { return connection.onLoop { $0.start() } }
        // RFC 9000 §20.1: CONNECTION_REFUSED.
        quic.close(code: 2, reason: refusal, isApplication: false, now: driver.now)
        refused(remote, refusal)
    }

    func refused(_ path: QUICPath, _ limit: QUICLimit, _ driver: QUICDriver) {
        let reason =
            switch limit {
            case .connections: "the limit of \(configuration.maximumConnections) connections is reached"
            case .halfOpenConnections:
                "the limit of \(configuration.maximumHalfOpenConnections) handshakes under way is reached"
            case .newConnectionsPerAddress:
                "the limit of \(configuration.newConnectionsPerSecondPerAddress) new connections a second from one address is reached"
            case .invalidToken: "the address validation token is false or too old"
            case .shutdown: "the listener is shut down"
            }
        refused(remoteEndpoint(path, driver), reason)
    }

    private func refused(_ remote: Endpoint, _ reason: String) {
        report(
            TransportEvent(
                .connectionRefused, remoteEndpoint: remote,
                error: TransportError(.resourceExhausted, reason, origin: .library)))
    }

    private func remoteEndpoint(_ path: QUICPath, _ driver: QUICDriver) -> Endpoint {
        driver.address(path.remote).map { Endpoint($0, scheme: .quic) } ?? endpoint
    }

    func undelivered(_ failure: UDPFailure, _ driver: QUICDriver) {}

    func handOver(_ datagram: Bytes, toLoop index: Int, ecn: UInt8, local: InternetAddress, remote: InternetAddress) {
        let target = state.withLock { state -> QUICDriver? in
            guard state.handedOver < Self.maximumHandedOver,
                let driver = state.drivers.first(where: { $0.loop.index == index })
            else { return nil }
            state.handedOver += 1
            return driver
        }
        target?.loop.execute {
            self.state.withLock { $0.handedOver -= 1 }
            target?.receive(datagram, ecn: ecn, local: local, remote: remote)
        }
    }
}
