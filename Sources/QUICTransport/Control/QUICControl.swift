internal import EventLoops
public import NodeTransport
internal import QUICEngine

/// What only QUIC can do with a connection.
///
/// ```swift
/// let connection = try await transport.connect(to: "quic://node-7.city.example:4433")
/// let roundTrip = try await QUICControl(connection)?.statistics().smoothedRoundTrip
/// ```
public struct QUICControl: Sendable {
    private let connection: QUICClientConnection

    /// - Parameter connection: One that ``QUICTransport`` made; `nil` for any other.
    public init?(_ connection: any Connection) {
        guard let connection = connection as? QUICClientConnection else { return nil }
        self.connection = connection
    }

    /// How the connection is doing.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` with ``/NodeTransport/StatusCode/unavailable`` when it is closed.
    public func statistics() async throws -> QUICConnectionStatistics { try await connection.statistics() }

    /// Changes the keys (RFC 9001 §6). QUIC does so by itself long before a key has been used too often.
    ///
    /// - Throws: as ``statistics()``; ``/NodeTransport/StatusCode/failedPrecondition`` too soon after the last change.
    public func updateKeys() async throws { try await connection.updateKeys() }

    /// Moves the connection to another local port, as when the network has changed (RFC 9000 §9). Calls go on.
    ///
    /// - Throws: as ``statistics()``; ``/NodeTransport/StatusCode/failedPrecondition`` when the server does not allow
    ///   it, or has given no spare connection ID yet.
    public func migrate() async throws { try await connection.migrate() }
}

extension QUICClientConnection {
    func statistics() throws -> QUICConnectionStatistics {
        _ = try openWire()
        guard let snapshot = snapshot() else {
            throw TransportError(.unavailable, "the connection is \(phaseName)", endpoint: endpoint)
        }
        return snapshot.statistics
    }

    func updateKeys() throws {
        let wire = try openWire()
        do {
            try wire.quic.initiateKeyUpdate(now: wire.driver.now)
        } catch {
            throw TransportError(.failedPrecondition, error.message, origin: .library, endpoint: endpoint)
        }
        wire.driver.scheduleFlush()
    }

    func migrate() throws {
        let wire = try openWire()
        guard let remote = wire.driver.socket.connectedTo else {
            throw TransportError(.failedPrecondition, "the socket has no peer", endpoint: endpoint)
        }
        let socket: UDPSocket
        do {
            socket = try UDPSocket.connect(to: remote, on: loop, configuration: configuration.socket)
        } catch {
            throw TransportError(.unavailable, "no other socket: \(error)", origin: .library, endpoint: endpoint)
        }
        guard let local = wire.driver.address(socket.localAddress) else { return }
        do {
            try wire.quic.migrate(to: local, isImmediate: true, now: wire.driver.now)
            try wire.driver.replace(socket)
        } catch {
            throw TransportError(.failedPrecondition, "\(error)", origin: .library, endpoint: endpoint)
        }
    }

    private func openWire() throws -> HTTP3Wire {
        guard !isClosed, let wire else {
            throw TransportError(.unavailable, "the connection is \(phaseName)", endpoint: endpoint)
        }
        return wire
    }
}
