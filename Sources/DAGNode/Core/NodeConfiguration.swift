public import DAGProtocol
public import NodeTransport
public import TransportResilience

/// How a node behaves. Every limit has a default; the comment says why that one.
public struct NodeConfiguration: Sendable {
    /// The node's name among its peers: 1 to 128 bytes of printable ASCII without blanks.
    public var id: String
    /// Where its peers are.
    public var peers: [Endpoint]
    /// What it accepts as a transaction.
    public var limits = TransactionLimits()

    /// Whether a peer that shows a certificate must have its id among the certificate's names, so that no node can speak
    /// for another.
    public var bindsIDsToCertificates = true

    /// With how many peers' acknowledgements a transaction counts as replicated.
    public var replicationTarget = 2
    /// How long a peer may take to acknowledge a transaction; then it is left to repair.
    public var broadcastTimeout: Duration = .seconds(2)
    /// How many transactions are under way to one peer at once: enough to fill its group commits.
    public var maximumBroadcastsUnderWay = 64
    /// How many transactions wait for one peer; further ones are left to repair. About a second's worth.
    public var maximumQueuedBroadcasts = 4_096

    /// The pauses before a lost peer is tried again: spread by 20 %, so that nodes which lost each other at the same
    /// moment do not come back at the same moment.
    public var reconnectBackoff = Backoff(
        initialDelay: .milliseconds(100), multiplier: 1.6, maximumDelay: .seconds(10), jitter: .fraction(0.2))
    /// How long a peer may take to say who it is, to compare a set of buckets, or to begin to hand out transactions.
    public var requestTimeout: Duration = .seconds(10)

    /// How often the node compares with its peers when nothing gives it a reason to.
    public var repairInterval: Duration = .seconds(30)
    /// How long a missing parent may still come by itself before it is asked for.
    public var missingParentDelay: Duration = .milliseconds(250)
    /// How many bytes one requester may fetch at once and, after that, each second.
    public var repairBudgetBytes = 256 * 1024 * 1024
    public var repairBudgetBytesPerSecond = 32 * 1024 * 1024
    /// How many bytes are handed out for one request.
    public var maximumRepairResponseBytes = 16 * 1024 * 1024

    /// How long a holder may take to answer a challenge; then it counts as silent.
    public var challengeTimeout: Duration = .seconds(2)

    /// How many transactions of one stream are under way at once; then its client has to wait.
    public var maximumStreamedUnderWay = 1_024

    public init(id: String, peers: [Endpoint] = []) {
        self.id = id
        self.peers = peers
    }
}
