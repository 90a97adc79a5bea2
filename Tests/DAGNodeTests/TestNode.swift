import DAGNode
import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import TransactionSignatures
import TransportResilience
import TransportTestKit

/// A node over the in-memory transport, with a store of its own.
final class TestNode: Sendable {
    let id: String
    let endpoint: Endpoint
    let key: SigningKey
    let store: any TransactionStore
    let node: LedgerNode
    let log: EventLog
    /// What the deadlines of its calls pass on: they never do but where a test moves it, however slow the machine is.
    let clock = VirtualClock()
    private let directory: String
    private let transport: InMemoryTransport
    private let listener: any Listener
    private let task: Task<Void, Never>

    /// Starts a node that listens at `memory://id` and connects to `peers`.
    ///
    /// - Parameters:
    ///   - configure: Changes what differs from the tests' defaults.
    ///   - wrap: Puts a store that misbehaves around the real one.
    init(
        _ id: String, peers: [String] = [], network: InMemoryNetwork,
        configure: (inout NodeConfiguration) -> Void = { _ in },
        wrap: (SQLiteStore) -> any TransactionStore = { $0 }
    ) async throws {
        self.id = id
        endpoint = try Endpoint(parsing: "memory://\(id)")
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString)").path
        store = wrap(try SQLiteStore(directory: directory))
        key = SigningKey()
        transport = InMemoryTransport(network: network, clock: clock)
        var configuration = NodeConfiguration(id: id, peers: try peers.map { try Endpoint(parsing: "memory://\($0)") })
        // What a test wants compared it asks for.
        configuration.repairInterval = .seconds(3_600)
        configuration.missingParentDelay = .milliseconds(1)
        configuration.reconnectBackoff = .init(
            initialDelay: .milliseconds(1), maximumDelay: .milliseconds(20), jitter: .none)
        configure(&configuration)
        let log = EventLog()
        self.log = log
        let node = LedgerNode(
            configuration: configuration, store: store, key: key, transport: transport, observer: { log.add($0) })
        self.node = node
        listener = try await transport.listen(on: endpoint, services: node.services)
        // Ended by stop(), which every test calls through withNodes.
        task = Task { await node.run() }
    }

    func stop() async {
        task.cancel()
        await task.value
        await transport.shutdown(within: .zero)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Waits until this many connections to peers have been made since the start.
    func waitForPeers(_ count: Int) async {
        await log.wait(for: count) { if case .peerConnected = $0 { true } else { false } }
    }

    /// A connection as a client would make it.
    func connect(_ network: InMemoryNetwork) async throws -> any Connection {
        try await InMemoryTransport(network: network).connect(to: endpoint)
    }

    var ids: Set<String> {
        get async throws {
            Set(try await store.list(.root, after: nil, limit: 1_000_000).transactions.map(\.id))
        }
    }

    /// Puts transactions into the store as if they had come by themselves: they are not broadcast.
    func put(_ transactions: [Transaction]) async throws {
        let store = store
        try await withThrowingDiscardingTaskGroup { group in
            for transaction in transactions {
                group.addTask { _ = try await store.store(transaction, from: .submitted) }
            }
        }
    }
}

/// Runs `body` with a network, and stops the nodes that it made.
func withNetwork(_ body: (NodeNursery) async throws -> Void) async throws {
    let nursery = NodeNursery()
    do {
        try await body(nursery)
    } catch {
        await nursery.stopAll()
        throw error
    }
    await nursery.stopAll()
}

/// The nodes of one test.
final class NodeNursery {
    let network = InMemoryNetwork()
    private var nodes: [TestNode] = []

    func start(
        _ id: String, peers: [String] = [], configure: (inout NodeConfiguration) -> Void = { _ in },
        wrap: (SQLiteStore) -> any TransactionStore = { $0 }
    ) async throws -> TestNode {
        let node = try await TestNode(id, peers: peers, network: network, configure: configure, wrap: wrap)
        nodes.append(node)
        return node
    }

    func stopAll() async {
        for node in nodes { await node.stop() }
        nodes = []
    }
}

enum Make {
    static func message(_ id: String, payload: String = "payload", parents: [String] = []) -> Tx {
        var message = Tx()
        message.txID = id
        message.holderID = "holder"
        message.timestamp = 1_700_000_000_000_000
        message.payload = Data(payload.utf8)
        message.parentIds = parents
        return message
    }

    static func transaction(_ id: String, payload: String = "payload", parents: [String] = []) throws -> Transaction {
        try Transaction(validating: message(id, payload: payload, parents: parents), now: .now())
    }

    static func transactions(_ range: Range<Int>) throws -> [Transaction] {
        try range.map { try transaction("tx-\($0)", payload: "payload \($0)") }
    }
}
