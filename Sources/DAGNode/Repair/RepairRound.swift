internal import DAGProtocol
internal import DAGStore
internal import FoundationEssentials

/// One comparison with one peer: digests from coarse to fine, ids where they differ, then what is missing.
///
/// What it costs grows with the difference: each level of the tree is one exchange, about the buckets that differ only.
struct RepairRound {
    /// A bucket with at most this many transactions is listed rather than divided further.
    private static let listedBucketCount: UInt64 = 64
    /// So that a peer that makes up ids without end is left after a while; what remains is for the next round.
    private static let maximumIDs = 1_000_000
    /// How many missing transactions are gathered from several listings before they are fetched.
    private static let fetchedAtOnce = 4_096

    let core: NodeCore
    let client: RepairClient
    let fetcher: TransactionFetcher
    private(set) var report = RepairReport()
    private var missing: [ListedTransaction] = []

    init(core: NodeCore, client: RepairClient, fetcher: TransactionFetcher) {
        self.core = core
        self.client = client
        self.fetcher = fetcher
    }

    mutating func run() async throws {
        var frontier: [BucketPrefix] = [.root]
        while !frontier.isEmpty {
            try Task.checkCancellation()
            let asked = Array(frontier.prefix(Repair.maximumComparedBuckets))
            frontier.removeFirst(asked.count)
            let own = try await core.store.sums(of: asked)
            let theirs = try await client.compare(asked)
            report.digestsCompared += asked.count
            for (bucket, ownSum) in zip(theirs, own) where bucket.sum != ownSum {
                frontier += try await examine(bucket, ownSum)
            }
        }
        try await fetchMissing(leaving: 0)
    }

    /// Lists what is small or what this node has nothing of; returns the buckets to go on with.
    private mutating func examine(_ bucket: ComparedBucket, _ ownSum: BucketSum) async throws -> [BucketPrefix] {
        guard bucket.sum.count > 0 else { return [] }
        guard ownSum.count > 0, !isSmall(bucket.sum), bucket.prefix.length < BucketPrefix.maximumLength else {
            try await list(bucket.prefix)
            return []
        }
        let own = try await core.store.children(of: bucket.prefix)
        report.digestsCompared += bucket.children.count
        var further: [BucketPrefix] = []
        for (prefix, sum) in bucket.children.sorted(by: { $0.key < $1.key }) where sum.count > 0 {
            let ownSum = own[prefix] ?? .empty
            guard sum != ownSum else { continue }
            if ownSum.count == 0 || isSmall(sum) || prefix.length == BucketPrefix.maximumLength {
                try await list(prefix)
            } else {
                further.append(prefix)
            }
        }
        return further
    }

    private func isSmall(_ sum: BucketSum) -> Bool { sum.count <= Self.listedBucketCount }

    private mutating func list(_ prefix: BucketPrefix) async throws {
        var cursor = Data()
        repeat {
            let (listed, next) = try await client.list(prefix, after: cursor)
            report.idsListed += listed.count
            guard report.idsListed <= Self.maximumIDs else {
                throw InvalidField("transactions", "more than \(Self.maximumIDs) ids listed in one comparison")
            }
            let known = try await core.store.knownHashes(of: listed)
            missing += listed.filter { !known.contains($0.contentHash) && !fetcher.isKnownConflict($0) }
            try await fetchMissing(leaving: Self.fetchedAtOnce)
            cursor = next
        } while !cursor.isEmpty
    }

    /// Fetches when more than `count` transactions are missing.
    private mutating func fetchMissing(leaving count: Int) async throws {
        guard missing.count > count else { return }
        report.missing += missing.count
        report.add(try await fetcher.fetch(missing, from: client))
        missing = []
    }
}
