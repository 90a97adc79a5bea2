package import EventLoops
internal import GRPCCalls
public import NodeTransport
internal import TransportTLS

/// gRPC over HTTP/2: a ``/NodeTransport/Transport`` that talks to gRPC in every language.
///
/// ```swift
/// let transport = try GRPCTransport(security: .mutualTLS(identity: identity, trust: trust))
/// let listener = try await transport.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
/// let connection = try await transport.connect(to: listener.endpoint)
/// ```
///
/// One value makes connections and listeners. They live on event loops, each a thread and one for each
/// processor, which all transports of the process share; a handler runs on its connection's loop, so a
/// call costs no thread switch.
public actor GRPCTransport: Transport {
    private let configuration: Configuration
    private let clientTLS: TLSContextSource?
    private let serverTLS: TLSContextSource?
    private let loops: EventLoopGroup
    private var listeners: [GRPCListener] = []
    private let connections: ConnectionRegistry<ClientConnection>
    private let revocations: RevocationSubscription?
    private var isShutDown = false

    /// - Parameters:
    ///   - security: TLS, or plaintext by that word.
    ///   - configuration: Limits, time-outs and hooks.
    /// - Throws: ``/TransportTLS/TLSError`` when identity or trust cannot be used.
    public init(security: Security, configuration: Configuration = Configuration()) throws {
        try self.init(security: security, configuration: configuration, loops: .shared)
    }

    /// As ``init(security:configuration:)``, on loops of its own.
    package init(security: Security, configuration: Configuration = Configuration(), loops: EventLoopGroup) throws {
        self.loops = loops
        self.configuration = configuration
        let connections = ConnectionRegistry<ClientConnection>()
        self.connections = connections
        switch security.kind {
        case .plaintext:
            clientTLS = nil
            serverTLS = nil
            revocations = nil
        case .tls(let tls):
            clientTLS = try TLSContextSource(tls, role: .client)
            // A client that has no certificate is fine until it listens.
            serverTLS = tls.credentials.identity == nil ? nil : try TLSContextSource(tls, role: .server)
            revocations = tls.credentials.onRevocation { connections.closeRevoked() }
        }
    }

    public func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        guard clientTLS == nil || serverTLS != nil else {
            throw TransportError(.failedPrecondition, "listening with TLS needs an identity", endpoint: endpoint)
        }
        try checkRunning(endpoint)
        let listener = try await GRPCListener.make(
            on: endpoint, loops: loops.loops, table: table, configuration: configuration, tls: serverTLS)
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
        let connection = try await ClientConnection.connect(
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
