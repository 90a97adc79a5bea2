public import DAGProtocol
public import DAGStore
public import NodeTransport
public import TransactionSignatures

/// A node of the ledger: takes transactions from clients, keeps them, passes them on to its peers, proves that it holds
/// them, and repairs what it missed.
///
/// ```swift
/// let node = LedgerNode(configuration: .init(id: "a", peers: [peer]), store: store, key: key, transport: transport)
/// let listener = try await transport.listen(on: "grpc://127.0.0.1:0", services: node.services)
/// await node.run()
/// ```
///
/// It knows no wire: `transport` is any ``/NodeTransport/Transport``.
public final class LedgerNode: Sendable {
    private let core: NodeCore
    private let peers: PeerBook
    private let linker: Linker
    private let acknowledgements: AcknowledgementRecorder
    private let ingress: Ingress
    private let repairer: Repairer
    private let challenger: Challenger

    /// - Parameters:
    ///   - configuration: Who the node is and how it behaves.
    ///   - store: Where it keeps what it has.
    ///   - key: With which it signs.
    ///   - transport: How it reaches its peers.
    ///   - clock: For pauses and time-outs of its own; calls' deadlines are the transport's.
    ///   - now: The time of day.
    ///   - observer: Is told what happens; called from any thread, must return at once.
    public init(
        configuration: NodeConfiguration, store: any TransactionStore, key: SigningKey, transport: any Transport,
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping @Sendable () -> Timestamp = { .now() },
        observer: @escaping @Sendable (NodeEvent) -> Void = { _ in }
    ) {
        core = NodeCore(
            configuration: configuration, store: store, key: key, clock: clock, now: now, observer: observer)
        acknowledgements = AcknowledgementRecorder(core: core)
        peers = PeerBook(core: core, transport: transport, acknowledgements: acknowledgements)
        linker = Linker(core: core)
        repairer = Repairer(core: core, peers: peers, linker: linker)
        ingress = Ingress(core: core, linker: linker, peers: peers)
        challenger = Challenger(core: core, peers: peers)
    }

    /// What a listener of this node serves.
    public var services: [any Service] {
        [
            DAGService(core: core, ingress: ingress), PoHService(core: core, ingress: ingress),
            RepairService(core: core, peers: peers), NodeService(node: self, peers: peers, repairer: repairer),
        ]
    }

    /// Links, broadcasts, reconnects and repairs until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for peer in peers.all {
                group.addTask { [repairer] in await peer.run { repairer.wake() } }
            }
            group.addTask { [linker] in await linker.run() }
            group.addTask { [acknowledgements] in await acknowledgements.run() }
            group.addTask { [repairer] in await repairer.run() }
            group.addTask { [repairer] in await repairer.runTimer() }
            group.addTask { [repairer] in await repairer.runParents() }
        }
    }

    /// Stores `message` as if a client had submitted it, and passes it on.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` as `dag.DAGService/SubmitTransaction` would answer.
    @discardableResult
    public func submit(_ message: Tx) async throws -> TxResponse { try await ingress.submit(message) }

    /// Compares with every peer that is connected, and gets what is missing.
    public func repair() async { await repairer.repairWithAll() }

    /// Challenges every peer that is connected for transactions picked at random, and records what they answer.
    public func audit(challengesPerPeer count: Int) async throws -> AuditResponse {
        try await challenger.audit(challengesPerPeer: count)
    }

    /// What the node has done and what it stores.
    public func statistics() async throws -> NodeStatistics {
        let counts = try await core.store.counts()
        var statistics = NodeStatistics()
        statistics.nodeID = core.configuration.id
        statistics.startedAt = core.startedAt.microseconds
        for counter in NodeCounter.allCases { statistics[counter] = 0 }
        for (counter, value) in core.counted { statistics[counter] = value }
        statistics[.storedTransactions] = counts.transactions
        statistics[.storedPending] = counts.pending
        statistics[.storedPayloadBytes] = counts.payloadBytes
        statistics[.answered] = counts.answers
        statistics[.held] = counts.checks[.held] ?? 0
        statistics[.wrong] = counts.checks[.wrong] ?? 0
        statistics[.silent] = counts.checks[.silent] ?? 0
        statistics[.refusedProofs] = counts.checks[.refused] ?? 0
        statistics.peers = peers.all.map(\.statistics)
        return statistics
    }

    /// Who the node is.
    public var identity: NodeIdentity {
        var identity = NodeIdentity()
        identity.nodeID = core.configuration.id
        identity.publicKey = core.key.publicKey.data
        return identity
    }
}
