package import EventLoops
package import NodeTransport
internal import Synchronization

/// A client's connection that can find out that its peer was revoked.
package protocol RevocableConnection: LoopActor, Connection {
    /// Ends the connection if the peer's certificate or key was revoked after it had been accepted.
    func closeIfRevoked()
}

/// The connections that a transport has made and that are open.
package final class ConnectionRegistry<Held: RevocableConnection>: Sendable {
    private let connections = Mutex<[Held]>([])

    package init() {}

    package func add(_ connection: Held) {
        connections.withLock { connections in
            connections.removeAll { $0.state.isClosed }
            connections.append(connection)
        }
        // A revocation may have come before it stood here.
        check(connection)
    }

    package func removeAll() -> [Held] {
        connections.withLock { connections in
            defer { connections = [] }
            return connections
        }
    }

    package func closeRevoked() {
        for connection in connections.withLock({ $0 }) { check(connection) }
    }

    private func check(_ connection: Held) {
        connection.loop.execute { connection.onLoop { $0.closeIfRevoked() } }
    }
}
