internal import DAGProtocol
internal import DAGStore
internal import NodeTransport
internal import Synchronization
internal import TransactionSignatures

/// What all parts of a node share.
final class NodeCore: Sendable {
    let configuration: NodeConfiguration
    let store: any TransactionStore
    let key: SigningKey
    let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp
    let startedAt: Timestamp
    private let observer: @Sendable (NodeEvent) -> Void
    private let counters = Mutex<[NodeCounter: UInt64]>([:])

    init(
        configuration: NodeConfiguration, store: any TransactionStore, key: SigningKey, clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp, observer: @escaping @Sendable (NodeEvent) -> Void
    ) {
        self.configuration = configuration
        self.store = store
        self.key = key
        self.clock = clock
        self.now = now
        self.observer = observer
        startedAt = now()
    }

    func emit(_ event: NodeEvent) { observer(event) }

    func count(_ counter: NodeCounter, _ amount: Int = 1) {
        guard amount > 0 else { return }
        counters.withLock { $0[counter, default: 0] &+= UInt64(amount) }
    }

    var counted: [NodeCounter: UInt64] { counters.withLock { $0 } }
}
