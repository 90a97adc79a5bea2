public import NodeTransport
internal import Synchronization

/// A transport within the process: the same promises as a wire, without one.
///
/// Endpoints look like `memory://name`. Transports that share an ``InMemoryNetwork`` reach each other:
///
/// ```swift
/// let network = InMemoryNetwork()
/// let listener = try await InMemoryTransport(network: network).listen(on: "memory://ledger", services: [Ledger()])
/// let connection = try await InMemoryTransport(network: network).connect(to: "memory://ledger")
/// ```
///
/// Each direction of a call holds what ``InMemoryConfiguration`` allows; then its sender is suspended.
public final class InMemoryTransport: Transport {
    private struct Storage {
        var isOpen = true
        var listeners: [InMemoryListener] = []
        var links: [InMemoryLink] = []
    }

    private let network: InMemoryNetwork
    private let configuration: InMemoryConfiguration
    private let clock: AnyContinuousClock
    private let storage = Mutex(Storage())

    /// A transport on the system's clock.
    ///
    /// - Parameters:
    ///   - network: Whom it can reach.
    ///   - configuration: What its ends of calls allow.
    public convenience init(
        network: InMemoryNetwork = InMemoryNetwork(), configuration: InMemoryConfiguration = InMemoryConfiguration()
    ) {
        self.init(network: network, configuration: configuration, clock: ContinuousClock())
    }

    /// A transport whose deadlines and shutdown bounds pass on `clock`, for example a ``VirtualClock``.
    public init<C: Clock>(
        network: InMemoryNetwork = InMemoryNetwork(), configuration: InMemoryConfiguration = InMemoryConfiguration(),
        clock: C
    ) where C.Instant == ContinuousClock.Instant {
        self.network = network
        self.configuration = configuration
        self.clock = AnyContinuousClock(clock)
    }

    public func connect(to endpoint: Endpoint) async throws -> any Connection {
        try check(endpoint)
        let client = InMemoryLink.Side(endpoint: try network.newClientEndpoint(), configuration: configuration)
        guard let link = network.listener(at: endpoint)?.accept(client, clock: clock) else {
            throw TransportError(
                .unavailable, "nobody listens on \(endpoint)", origin: .library, processing: .notProcessed,
                endpoint: endpoint)
        }
        let isOpen = storage.withLock { storage in
            guard storage.isOpen else { return false }
            storage.links.removeAll { $0.states.state.isClosed }
            storage.links.append(link)
            return true
        }
        guard isOpen else {
            link.sever("the transport was shut down")
            throw Self.isShutDown
        }
        return InMemoryConnection(link: link)
    }

    public func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try check(endpoint)
        let listener = InMemoryListener(
            endpoint: endpoint, configuration: configuration, table: table, network: network)
        try network.add(listener)
        let isOpen = storage.withLock { storage in
            if storage.isOpen { storage.listeners.append(listener) }
            return storage.isOpen
        }
        guard isOpen else {
            await listener.shutdown(within: .zero)
            throw Self.isShutDown
        }
        return listener
    }

    public func shutdown(within grace: Duration) async {
        let (listeners, links) = storage.withLock { storage in
            storage.isOpen = false
            defer { (storage.listeners, storage.links) = ([], []) }
            return (storage.listeners, storage.links)
        }
        await withDiscardingTaskGroup { group in
            for listener in listeners { group.addTask { await listener.shutdown(within: grace) } }
            for link in links { group.addTask { await InMemoryConnection(link: link).close(within: grace) } }
        }
    }

    private func check(_ endpoint: Endpoint) throws {
        guard endpoint.scheme == .memory else {
            throw TransportError(
                .invalidArgument, "the in-memory transport takes memory://name, not \(endpoint)", endpoint: endpoint)
        }
        guard storage.withLock({ $0.isOpen }) else { throw Self.isShutDown }
    }

    private static var isShutDown: TransportError {
        TransportError(.failedPrecondition, "the transport was shut down", processing: .notProcessed)
    }
}
