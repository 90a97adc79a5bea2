import DAGProtocol
import DAGStore
import Foundation
import Synchronization

/// A store whose payloads of some transactions are not what was stored, as after damage to the disk.
struct LyingStore: TransactionStore {
    let base: SQLiteStore
    let damaged: Set<String>
    /// Holds up those who read transactions.
    var gate: Gate?
    /// How often sums cannot be read before they can.
    var faults = Faults(0)

    private func damage(_ payload: Data) -> Data { payload + [0xff] }

    func payload(of id: String) async throws -> Data? {
        let payload = try await base.payload(of: id)
        return damaged.contains(id) ? payload.map(damage) : payload
    }

    func transactions(_ ids: ArraySlice<String>, maximumBytes: Int) async throws -> TransactionBatch {
        await gate?.pass(Array(ids))
        let batch = try await base.transactions(ids, maximumBytes: maximumBytes)
        let transactions = try batch.transactions.map { transaction in
            guard damaged.contains(transaction.id) else { return transaction }
            var message = transaction.message
            message.payload = damage(message.payload)
            return try Transaction(validating: message, now: .now())
        }
        return TransactionBatch(transactions: transactions, consumed: batch.consumed)
    }

    func store(_ transaction: Transaction, from source: TransactionSource) async throws -> StoreOutcome {
        try await base.store(transaction, from: source)
    }

    func record(of id: String) async throws -> TransactionRecord? { try await base.record(of: id) }

    func knownHashes(of listed: [ListedTransaction]) async throws -> Set<Hash256> {
        try await base.knownHashes(of: listed)
    }

    func randomIDs(_ count: Int) async throws -> [String] { try await base.randomIDs(count) }
    func counts() async throws -> StoreCounts { try await base.counts() }
    func linkPending(limit: Int) async throws -> LinkResult { try await base.linkPending(limit: limit) }
    func missingParents(limit: Int) async throws -> [String] { try await base.missingParents(limit: limit) }

    func addAcknowledgements(_ counts: [String: Int]) async throws { try await base.addAcknowledgements(counts) }

    func sums(of prefixes: [BucketPrefix]) async throws -> [BucketSum] {
        try faults.strike()
        return try await base.sums(of: prefixes)
    }

    func children(of prefix: BucketPrefix) async throws -> [BucketPrefix: BucketSum] {
        try await base.children(of: prefix)
    }

    func list(_ prefix: BucketPrefix, after cursor: ListCursor?, limit: Int) async throws -> ListPage {
        try await base.list(prefix, after: cursor, limit: limit)
    }

    func appendAnswer(
        to request: PoHRequest, _ answer: @escaping @Sendable (PoHChainHead) throws -> PoHAck
    ) async throws -> AnswerOutcome { try await base.appendAnswer(to: request, answer) }

    func answers(from first: UInt64, limit: Int) async throws -> [PoHExchange] {
        try await base.answers(from: first, limit: limit)
    }

    func record(_ check: PoHCheck) async throws { try await base.record(check) }
    func chainHead(of peer: String) async throws -> PoHChainHead { try await base.chainHead(of: peer) }
}

/// So many failures, and then none.
final class Faults: Sendable {
    struct Fault: Error {}

    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    func strike() throws {
        let isDue = left.withLock { left in
            defer { left = max(0, left - 1) }
            return left > 0
        }
        if isDue { throw Fault() }
    }
}
