package import EventLoops
internal import GRPCCalls
public import NodeTransport
public import TransportTLS

/// gRPC over HTTP/3 over QUIC: a ``/NodeTransport/Transport`` with datagrams, and without head-of-line blocking.
///
/// ```swift
/// let transport = try QUICTransport(identity: identity, trust: trust)
/// let listener = try await transport.listen(on: "quic://127.0.0.1:0", services: [EchoService()])
/// let connection = try await transport.connect(to: listener.endpoint)
/// ```
///
/// One value makes connections and listeners. They live on event loops, each a thread and one for each
/// processor, which all transports of the process share; a handler runs on its connection's loop, so a
/// call costs no thread switch. There is no plaintext: QUIC always carries TLS 1.3.
public actor QUICTransport: Transport {
    private let configuration: Configuration
    private let clientTLS: QUICCredentialsSource
    private let serverTLS: QUICCredentialsSource?
    private let loops: EventLoopGroup
    private var listeners: [QUICListener] = []
    private let connections: ConnectionRegistry<QUICClientConnection>
    private let revocations: RevocationSubscription
    private var isShutDown = false
    nonisolated let book: StatisticsBook

    /// - Parameters:
    ///   - tls: Who we are and whom we believe. The application protocol is `h3` and the version 1.3, whatever it says
    ///     about these.
    ///   - configuration: Limits, time-outs and hooks.
    /// - Throws: ``/TransportTLS/TLSError`` when identity or trust cannot be used: for instance
    ///   ``/TransportTLS/TLSError/Code/unsupportedKey`` for a certificate whose key usage does not allow digital signatures.
    public init(tls: TLSConfiguration, configuration: Configuration = Configuration()) throws {
        try self.init(tls: tls, configuration: configuration, loops: .shared)
    }

    /// As ``init(tls:configuration:)``, on loops of its own: those of a simulated machine, for example.
    package init(tls: TLSConfiguration, configuration: Configuration, loops: EventLoopGroup) throws {
        self.loops = loops
        let book = StatisticsBook(onClose: configuration.onConnectionClosed)
        self.book = book
        var configuration = configuration
        configuration.book = book
        self.configuration = configuration
        let connections = ConnectionRegistry<QUICClientConnection>()
        self.connections = connections
        clientTLS = try QUICCredentialsSource(
            tls, role: .client, allowsEarlyData: configuration.sendsEarlyData)
        // A client that has no certificate is fine until it listens.
        serverTLS =
            tls.credentials.identity == nil
            ? nil
            : try QUICCredentialsSource(tls, role: .server, allowsEarlyData: configuration.acceptsEarlyData)
        revocations = tls.credentials.onRevocation { connections.closeRevoked() }
    }

    /// Mutual TLS: both sides prove who they are. What changes in the credentials holds for every connection that is made
    /// after it.
    public init(credentials: Credentials, configuration: Configuration = Configuration()) throws {
        try self.init(tls: TLSConfiguration(credentials: credentials), configuration: configuration)
    }

    /// Mutual TLS with an identity and a trust that do not change.
    public init(identity: Identity, trust: Trust, configuration: Configuration = Configuration()) throws {
        try self.init(tls: TLSConfiguration(identity: identity, trust: trust), configuration: configuration)
    }

    public func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await listen(on: endpoint, serving: table, routes: HTTP3Routes())
    }

    /// Listens on `endpoint` and serves `table`, and `routes` to requests that are not gRPC, from any HTTP/3 client.
    ///
    /// - Throws: as ``/NodeTransport/Transport/listen(on:serving:)``.
    public func listen(
        on endpoint: Endpoint, serving table: ServiceTable, routes: HTTP3Routes
    ) async throws -> any Listener {
        try checkRunning(endpoint)
        guard let serverTLS else {
            throw TransportError(.failedPrecondition, "listening with TLS needs an identity", endpoint: endpoint)
        }
        let listener = try await QUICListener.make(
            on: endpoint, loops: loops.loops, table: table, routes: routes, configuration: configuration,
            tls: serverTLS)
        // The transport may have been shut down meanwhile.
        guard !isShutDown else {
            await listener.shutdown(within: .zero)
            throw shutDownError(endpoint)
        }
        listeners.append(listener)
        return listener
    }

    public func connect(to endpoint: Endpoint) async throws -> any Connection {
        try checkRunning(endpoint)
        let connection = try await QUICClientConnection.connect(
            to: endpoint, loop: loops.next(), configuration: configuration, tls: clientTLS)
        guard !isShutDown else {
            await connection.close(within: .zero)
            throw shutDownError(endpoint)
        }
        connections.add(connection)
        return connection
    }

    public func shutdown(within grace: Duration) async {
        guard !isShutDown else { return }
        isShutDown = true
        let (listeners, connections) = (listeners, connections.removeAll())
        self.listeners = []
        await withTaskGroup { group in
            for listener in listeners { group.addTask { await listener.shutdown(within: grace) } }
            for connection in connections { group.addTask { await connection.close(within: grace) } }
        }
    }

    private func checkRunning(_ endpoint: Endpoint) throws {
        if isShutDown { throw shutDownError(endpoint) }
    }

    private func shutDownError(_ endpoint: Endpoint) -> TransportError {
        TransportError(.failedPrecondition, "the transport is shut down", processing: .notProcessed, endpoint: endpoint)
    }
}
