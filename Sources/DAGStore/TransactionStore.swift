public import DAGProtocol
public import FoundationEssentials

/// Where a node keeps its transactions and its history of proofs.
///
/// Every method that changes something returns only after the change is durable: it survives `kill -9` of
/// the process and, on a disk that honours flushes, a loss of power. Every method throws ``StoreError``.
public protocol TransactionStore: Sendable {
    /// Stores `transaction`, once however often it is asked to.
    func store(_ transaction: Transaction, from source: TransactionSource) async throws -> StoreOutcome

    /// What is known of the transaction `id`; `nil` when it is not stored.
    func record(of id: String) async throws -> TransactionRecord?

    /// The payload of the transaction `id`; `nil` when it is not stored.
    func payload(of id: String) async throws -> Data?

    /// Transactions in the order of `ids`, up to the one with which their payloads exceed `maximumBytes`; those
    /// that are not stored are left out.
    func transactions(_ ids: ArraySlice<String>, maximumBytes: Int) async throws -> TransactionBatch

    /// Which of `hashes` are content hashes of stored transactions.
    func knownHashes(of listed: [ListedTransaction]) async throws -> Set<Hash256>

    /// Ids of up to `count` stored transactions, picked at random.
    func randomIDs(_ count: Int) async throws -> [String]

    /// How much is stored.
    func counts() async throws -> StoreCounts

    // MARK: The DAG

    /// Examines up to `limit` transactions, and links those whose parents are all linked.
    func linkPending(limit: Int) async throws -> LinkResult

    /// Parents of stored transactions that are not stored themselves, at most `limit`.
    func missingParents(limit: Int) async throws -> [String]

    /// Adds to how many peers have acknowledged each transaction.
    func addAcknowledgements(_ counts: [String: Int]) async throws

    // MARK: Comparison with peers

    /// The digests of buckets, in the order of `prefixes`.
    func sums(of prefixes: [BucketPrefix]) async throws -> [BucketSum]

    /// The digests of a bucket's children that are not empty, at most 256.
    func children(of prefix: BucketPrefix) async throws -> [BucketPrefix: BucketSum]

    /// The transactions of a bucket by key and content hash.
    func list(_ prefix: BucketPrefix, after cursor: ListCursor?, limit: Int) async throws -> ListPage

    // MARK: Proofs of holding

    /// Appends an answer to this node's chain: `answer` is given the chain's end and makes the answer, which is stored
    /// unless the nonce has been answered before.
    func appendAnswer(
        to request: PoHRequest, _ answer: @escaping @Sendable (PoHChainHead) throws -> PoHAck
    ) async throws -> AnswerOutcome

    /// This node's answers from number `first` on, at most `limit`, with what they answer.
    func answers(from first: UInt64, limit: Int) async throws -> [PoHExchange]

    /// Records what came of a challenge to a peer.
    func record(_ check: PoHCheck) async throws

    /// The last answer of `peer` that was recorded as held.
    func chainHead(of peer: String) async throws -> PoHChainHead
}
