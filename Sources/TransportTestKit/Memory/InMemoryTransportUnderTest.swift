public import NodeTransport
internal import Synchronization

/// The in-memory transport as the contract suite takes it: a network of its own, and a new name for each listener.
public final class InMemoryTransportUnderTest: TransportUnderTest {
    public let name = "memory"
    public let supportsDatagrams = true

    private let network = InMemoryNetwork()
    private let listenerCount = Mutex(0)

    public init() {}

    public var listenEndpoint: Endpoint {
        get throws {
            let number = listenerCount.withLock { count in
                count += 1
                return count
            }
            return try Endpoint(parsing: "memory://listener-\(number)")
        }
    }

    public func makeTransport() async throws -> any Transport { InMemoryTransport(network: network) }

    public func vanish(_ listener: any Listener) async throws -> Bool {
        network.vanish(listener.endpoint)
        return true
    }
}
