internal import NodeTransport
internal import Synchronization

/// A name in a network at which calls are served.
final class InMemoryListener: Listener {
    private struct Storage {
        var isOpen = true
        var links: [ObjectIdentifier: InMemoryLink] = [:]
    }

    let endpoint: Endpoint
    private let configuration: InMemoryConfiguration
    private let table: ServiceTable
    private let network: InMemoryNetwork
    private let storage = Mutex(Storage())

    init(endpoint: Endpoint, configuration: InMemoryConfiguration, table: ServiceTable, network: InMemoryNetwork) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.table = table
        self.network = network
    }

    /// A new link to `client`; `nil` when the listener has been shut down.
    func accept(_ client: InMemoryLink.Side, clock: AnyContinuousClock) -> InMemoryLink? {
        let link = InMemoryLink(
            client: client, server: InMemoryLink.Side(endpoint: endpoint, configuration: configuration), table: table,
            clock: clock)
        return storage.withLock { storage in
            guard storage.isOpen else { return nil }
            storage.links = storage.links.filter { !$0.value.states.state.isClosed }
            storage.links[ObjectIdentifier(link)] = link
            return link
        }
    }

    func shutdown(within grace: Duration) async {
        let links = closeToNewcomers()
        let error = TransportError(.unavailable, "the server shut down", origin: .remote, endpoint: endpoint)
        await withDiscardingTaskGroup { group in
            for link in links {
                group.addTask { await link.drain(within: grace, "the server is shutting down", closingWith: error) }
            }
        }
    }

    func sever(_ reason: String, listensOn: Bool) {
        let links = listensOn ? storage.withLock { Array($0.links.values) } : closeToNewcomers()
        for link in links { link.sever(reason) }
    }

    private func closeToNewcomers() -> [InMemoryLink] {
        network.remove(self)
        return storage.withLock { storage in
            storage.isOpen = false
            return Array(storage.links.values)
        }
    }
}
