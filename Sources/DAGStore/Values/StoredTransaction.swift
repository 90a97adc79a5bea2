public import DAGProtocol

/// How a transaction came to this node.
public enum TransactionSource: Int, Sendable, Hashable {
    case submitted = 0
    case broadcast = 1
    case repaired = 2
}

/// What came of storing a transaction.
public enum StoreOutcome: Sendable, Hashable {
    /// It is new, and durable now.
    case stored
    /// It was stored before with the same content; nothing was changed.
    case alreadyKnown(TransactionRecord)
    /// Its id is taken by a transaction with another content hash; nothing was changed.
    case conflict(existing: Hash256)
}

/// What a store knows of a transaction beside its content.
public struct TransactionRecord: Sendable, Hashable {
    public let id: String
    public let contentHash: Hash256
    /// Whether it is linked into the DAG.
    public let isLinked: Bool
    /// How many peers have acknowledged it.
    public let acknowledgedBy: Int
    public let storedAt: Timestamp
    public let payloadBytes: Int
    /// Parents that are not stored, in no particular order.
    public let missingParents: [String]

    public init(
        id: String, contentHash: Hash256, isLinked: Bool, acknowledgedBy: Int, storedAt: Timestamp, payloadBytes: Int,
        missingParents: [String]
    ) {
        self.id = id
        self.contentHash = contentHash
        self.isLinked = isLinked
        self.acknowledgedBy = acknowledgedBy
        self.storedAt = storedAt
        self.payloadBytes = payloadBytes
        self.missingParents = missingParents
    }
}

/// Some of the transactions that were asked for.
public struct TransactionBatch: Sendable {
    public let transactions: [Transaction]
    /// How many of the ids were dealt with; less than were given when the bytes ran out.
    public let consumed: Int

    public init(transactions: [Transaction], consumed: Int) {
        self.transactions = transactions
        self.consumed = consumed
    }
}

/// How much is stored.
public struct StoreCounts: Sendable, Hashable {
    public var transactions: UInt64 = 0
    /// Of those, not linked.
    public var pending: UInt64 = 0
    public var payloadBytes: UInt64 = 0
    /// The length of this node's chain of answers.
    public var answers: UInt64 = 0
    /// Challenges to peers by what came of them.
    public var checks: [PoHCheck.Result: UInt64] = [:]

    public init() {}
}

/// What one pass of linking did.
public struct LinkResult: Sendable, Hashable {
    public let examined: Int
    public let linked: Int
    /// Whether there is more to examine.
    public let hasMore: Bool

    public init(examined: Int, linked: Int, hasMore: Bool) {
        self.examined = examined
        self.linked = linked
        self.hasMore = hasMore
    }
}
