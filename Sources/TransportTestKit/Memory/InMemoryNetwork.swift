public import NodeTransport
internal import Synchronization

/// The names that a group of ``InMemoryTransport``s can reach each other by.
///
/// Tests make one for each test, so that nothing is shared between them, and may cut connections through it.
public final class InMemoryNetwork: Sendable {
    private struct Storage {
        var listeners: [Endpoint: InMemoryListener] = [:]
        var connectionCount = 0
    }

    private let storage = Mutex(Storage())

    public init() {}

    /// Cuts every connection to `endpoint` at once, as when a cable is pulled: calls fail with
    /// `unavailable`, their handlers are cancelled. New connections can be made.
    public func disconnect(_ endpoint: Endpoint) {
        listener(at: endpoint)?.sever("the connection was cut", listensOn: true)
    }

    /// Takes the server at `endpoint` away without a word, as when its process is killed: as ``disconnect(_:)``, and
    /// nobody can connect any longer.
    public func vanish(_ endpoint: Endpoint) {
        listener(at: endpoint)?.sever("the peer vanished", listensOn: false)
    }

    func listener(at endpoint: Endpoint) -> InMemoryListener? { storage.withLock { $0.listeners[endpoint] } }

    func add(_ listener: InMemoryListener) throws {
        try storage.withLock { storage in
            guard storage.listeners[listener.endpoint] == nil else {
                throw TransportError(
                    .alreadyExists, "\(listener.endpoint) is in use: another listener has the name",
                    endpoint: listener.endpoint)
            }
            storage.listeners[listener.endpoint] = listener
        }
    }

    func remove(_ listener: InMemoryListener) {
        storage.withLock { storage in
            if storage.listeners[listener.endpoint] === listener { storage.listeners[listener.endpoint] = nil }
        }
    }

    /// A name for a client, so that handlers can tell peers apart.
    func newClientEndpoint() throws -> Endpoint {
        let number = storage.withLock { storage in
            storage.connectionCount += 1
            return storage.connectionCount
        }
        return try Endpoint(parsing: "memory://client-\(number)")
    }
}
