internal import CSystem
internal import EventLoops
internal import GRPCCalls
internal import Glibc
internal import NodeTransport
internal import Synchronization
internal import TransportTLS

/// The sockets on which one address is served, one for each event loop.
final class GRPCListener: Listener, ServerConnectionOwner {
    private struct State {
        var connections: [ObjectIdentifier: ServerConnection] = [:]
        var acceptors: [Acceptor] = []
        var isShutDown = false
    }

    let endpoint: Endpoint
    private let methods: ServerMethods
    private let configuration: GRPCTransport.Configuration
    private let tls: TLSContextSource?
    private let state = Mutex(State())
    /// A Unix socket's file, removed at shutdown.
    private let socketPath: String?
    private let revocations = Mutex<RevocationSubscription?>(nil)

    /// Binds `endpoint` on each of `loops` and begins to accept.
    static func make(
        on endpoint: Endpoint, loops: [EventLoop], table: ServiceTable, configuration: GRPCTransport.Configuration,
        tls: TLSContextSource?
    ) async throws -> GRPCListener {
        guard let address = try await SocketAddress.resolve(endpoint).first else {
            throw TransportError(.unavailable, "no address to listen on", endpoint: endpoint)
        }
        let (descriptors, bound) = try bind(address, count: address.isUnix ? 1 : loops.count, endpoint)
        var actual = bound.endpoint(fallback: endpoint)
        // The host stays as it was asked for; only the port may be news.
        if let port = actual.port { actual = endpoint.withPort(port) }
        let path: String? = if case .path(let path) = endpoint.address { path } else { nil }
        let listener = GRPCListener(
            endpoint: actual, methods: ServerMethods(table), configuration: configuration, tls: tls, socketPath: path)
        listener.watchRevocations()
        for (descriptor, loop) in zip(descriptors, loops) {
            let acceptor = Acceptor(
                loop: loop, descriptor: descriptor, listener: listener,
                // A single socket hands its connections around; with one a loop, the kernel does.
                targets: descriptors.count == 1 ? loops : [loop])
            listener.state.withLock { $0.acceptors.append(acceptor) }
            loop.execute { acceptor.start() }
        }
        return listener
    }

    private init(
        endpoint: Endpoint, methods: ServerMethods, configuration: GRPCTransport.Configuration,
        tls: TLSContextSource?, socketPath: String?
    ) {
        self.endpoint = endpoint
        self.methods = methods
        self.configuration = configuration
        self.tls = tls
        self.socketPath = socketPath
    }

    // MARK: Binding

    private static func bind(
        _ address: SocketAddress, count: Int, _ endpoint: Endpoint
    ) throws(TransportError) -> ([Int32], SocketAddress) {
        // SO_REUSEPORT from the start would let two programs of one user share the port unnoticed, so the first socket
        // takes it alone and lets the others in only then. The port is never let go of meanwhile.
        var descriptors: [Int32] = []
        do throws(TransportError) {
            descriptors.append(try socket(address, endpoint))
            try listen(descriptors[0], address, count > 1 ? cs_port_shared : cs_port_alone, endpoint)
            let bound = SocketAddress.local(of: descriptors[0]) ?? address
            while descriptors.count < count {
                let descriptor = try socket(bound, endpoint)
                descriptors.append(descriptor)
                try listen(descriptor, bound, cs_port_joined, endpoint)
            }
            return (descriptors, bound)
        } catch {
            for descriptor in descriptors { cs_close(descriptor) }
            throw error
        }
    }

    private static func socket(_ address: SocketAddress, _ endpoint: Endpoint) throws(TransportError) -> Int32 {
        let descriptor = cs_socket_stream(address.family)
        guard descriptor >= 0 else { throw bindError(-descriptor, endpoint) }
        return descriptor
    }

    private static func listen(
        _ descriptor: Int32, _ address: SocketAddress, _ sharing: cs_port_sharing, _ endpoint: Endpoint
    ) throws(TransportError) {
        let code = unsafe address.withPointer { unsafe cs_listen(descriptor, $0, $1, 1024, sharing) }
        guard code >= 0 else { throw bindError(-code, endpoint) }
    }

    private static func bindError(_ errno: Int32, _ endpoint: Endpoint) -> TransportError {
        let code: StatusCode =
            switch errno {
            case EADDRINUSE: .alreadyExists
            case EACCES, EPERM: .permissionDenied
            default: .unavailable
            }
        return TransportError(code, "cannot listen: \(systemMessage(errno))", origin: .library, endpoint: endpoint)
    }

    // MARK: Connections

    /// Takes over a connected socket, on the acceptor's loop.
    func accepted(_ descriptor: Int32, from address: SocketAddress, on loop: EventLoop) {
        let remote = address.endpoint(fallback: endpoint)
        let session: TLSSession?
        do {
            let now = WallTime.now
            session = try tls.map { try TLSSession(context: $0.context(now: now), now: now) }
        } catch {
            cs_close(descriptor)
            return report(
                TransportEvent(
                    .handshakeFailed, remoteEndpoint: remote,
                    error: TransportError(.internal, "TLS could not be started", cause: error, origin: .library)))
        }
        if !address.isUnix { cs_set_no_delay(descriptor) }
        let connection = ServerConnection(
            loop: loop, descriptor: descriptor, remoteEndpoint: remote, methods: methods, configuration: configuration,
            tls: session, owner: self)
        let refusal = state.withLock { state -> String? in
            if state.isShutDown { return "the listener is shut down" }
            if state.connections.count >= configuration.maximumConnections {
                return "the limit of \(configuration.maximumConnections) connections is reached"
            }
            state.connections[ObjectIdentifier(connection)] = connection
            return nil
        }
        guard refusal == nil else {
            cs_close(descriptor)
            return report(
                TransportEvent(
                    .connectionRefused, remoteEndpoint: remote,
                    error: TransportError(.resourceExhausted, refusal ?? "", origin: .library)))
        }
        loop.execute { connection.onLoop { $0.start() } }
    }

    func report(_ event: TransportEvent) { configuration.onEvent?(event) }

    func connectionClosed(_ connection: ServerConnection, _ event: TransportEvent) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
        report(event)
    }

    private func watchRevocations() {
        guard let tls else { return }
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
        let (acceptors, connections) = state.withLock { state in
            state.isShutDown = true
            return (exchange(&state.acceptors, with: []), Array(state.connections.values))
        }
        for acceptor in acceptors { await acceptor.stop() }
        for connection in connections { connection.loop.execute { connection.onLoop { $0.sever() } } }
        for connection in connections { await connection.waitUntilClosed() }
    }

    func shutdown(within grace: Duration) async {
        let (acceptors, connections) = state.withLock { state in
            state.isShutDown = true
            return (exchange(&state.acceptors, with: []), Array(state.connections.values))
        }
        for acceptor in acceptors { await acceptor.stop() }
        if let socketPath, !acceptors.isEmpty { unsafe unlink(socketPath) }
        for connection in connections { connection.loop.execute { connection.onLoop { $0.drain() } } }
        await withTaskGroup { group in
            group.addTask {
                // Also when the caller's task is cancelled; does nothing to a connection that has drained.
                try? await Task.sleep(for: grace)
                for connection in connections {
                    connection.loop.execute {
                        connection.onLoop { $0.abort("the server shut down before the call had ended") }
                    }
                }
            }
            for connection in connections { await connection.waitUntilClosed() }
            group.cancelAll()
        }
    }
}
