public import DAGProtocol
public import DAGStore
public import FoundationEssentials
public import NodeTransport
public import TransactionSignatures

/// Asks one node for digests, ids and transactions, and checks the form of what it answers.
///
/// Each request is signed for that node and no other.
public struct RepairClient: Sendable {
    private let connection: any Connection
    /// The node that is asked.
    public let recipient: String
    private let requester: String
    private let key: SigningKey
    private let timeout: Duration
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - connection: To the node that is asked.
    ///   - recipient: Its id.
    ///   - requester: The id of who asks.
    ///   - key: With which the requests are signed.
    ///   - timeout: For each request.
    ///   - now: The time of day.
    public init(
        connection: any Connection, recipient: String, requester: String, key: SigningKey, timeout: Duration,
        now: @escaping @Sendable () -> Timestamp = { .now() }
    ) {
        self.connection = connection
        self.recipient = recipient
        self.requester = requester
        self.key = key
        self.timeout = timeout
        self.now = now
    }

    /// The digests of buckets and of their children, in the order of `prefixes`.
    func compare(_ prefixes: [BucketPrefix]) async throws -> [ComparedBucket] {
        var request = CompareBucketsRequest()
        request.prefixes = prefixes.map(\.data)
        try request.authorize(as: requester, key: key, for: recipient, now: now())
        let response = try await connection.call(Repair.compareBuckets, request, deadline: .after(timeout))
        guard response.buckets.count == prefixes.count else {
            throw InvalidField("buckets", "\(response.buckets.count) answers to \(prefixes.count) questions")
        }
        return try zip(prefixes, response.buckets).map { try ComparedBucket(prefix: $0, $1) }
    }

    /// One page of the ids in a bucket; `next` is empty after the last.
    public func list(
        _ prefix: BucketPrefix, after cursor: Data
    ) async throws -> (transactions: [ListedTransaction], next: Data) {
        var request = ListIdsRequest()
        request.prefix = prefix.data
        request.after = cursor
        try request.authorize(as: requester, key: key, for: recipient, now: now())
        let response = try await connection.call(Repair.listIds, request, deadline: .after(timeout))
        guard response.transactions.count <= Repair.maximumListedIDs else {
            throw InvalidField("transactions", "\(response.transactions.count) ids in one page")
        }
        guard response.next.isEmpty || (!response.transactions.isEmpty && response.next != cursor) else {
            throw InvalidField("next", "the listing does not advance")
        }
        let transactions = try response.transactions.map { item in
            try Transaction.checkID("tx_id", item.txID)
            guard let hash = Hash256(bytes: item.contentHash) else {
                throw InvalidField("content_hash", "\(item.contentHash.count) bytes instead of 32")
            }
            return ListedTransaction(id: item.txID, contentHash: hash)
        }
        return (transactions, response.next)
    }

    /// Transactions by id, unchecked, as they come: a message may be wrong in any way.
    public func fetch(_ ids: [String], _ body: ([Tx]) async throws -> Void) async throws {
        var request = FetchTransactionsRequest()
        request.txIds = ids
        try request.authorize(as: requester, key: key, for: recipient, now: now())
        let responses = try await connection.call(Repair.fetchTransactions, request, deadline: .after(timeout))
        for try await response in responses { try await body(response.transactions) }
    }
}

/// A bucket as a peer has it.
struct ComparedBucket: Sendable {
    let prefix: BucketPrefix
    let sum: BucketSum
    let children: [BucketPrefix: BucketSum]

    /// - Throws: ``/DAGProtocol/InvalidField`` when the answer is about another bucket or has other children.
    init(prefix: BucketPrefix, _ message: BucketChildren) throws {
        let (digestPrefix, sum) = try message.digest.parts()
        guard digestPrefix == prefix else { throw InvalidField("digest", "is of another bucket") }
        guard message.children.count <= 256 else {
            throw InvalidField("children", "\(message.children.count) children of one bucket")
        }
        var children: [BucketPrefix: BucketSum] = [:]
        for child in message.children {
            let (childPrefix, childSum) = try child.parts()
            guard childPrefix.length == prefix.length + 1, prefix.contains(childPrefix) else {
                throw InvalidField("children", "has a bucket that is not a child")
            }
            children[childPrefix] = childSum
        }
        self.prefix = prefix
        self.sum = sum
        self.children = children
    }
}
