internal import DAGProtocol
internal import FoundationEssentials
internal import GRDB

/// One database transaction, shared by the writes of many callers; collects what is cheaper to write once at its end.
final class WriteBatch {
    let db: Database
    private var sums: [BucketPrefix: BucketSum] = [:]
    private var payloadBytes = 0

    init(_ db: Database) { self.db = db }

    /// Counts a new transaction in.
    func count(_ transaction: Transaction) {
        payloadBytes += transaction.message.payload.count
        let key = transaction.bucketKey
        for length in 0...SQLiteStore.storedPrefixLength {
            sums[key.prefix(length), default: .empty].add(transaction.contentHash)
        }
    }

    /// Writes what was collected.
    func finish() throws {
        guard !sums.isEmpty else { return }
        let read = try db.cachedStatement(sql: "SELECT count, sum FROM buckets WHERE length = ? AND value = ?")
        let write = try db.cachedStatement(
            sql: """
                INSERT INTO buckets (length, value, count, sum) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET count = excluded.count, sum = excluded.sum
                """)
        for (prefix, added) in sums {
            var sum = added
            if let row = try Row.fetchOne(read, arguments: [prefix.length, prefix.column]) {
                sum.add(try BucketSum(row: row))
            }
            try write.execute(arguments: [prefix.length, prefix.column, Int64(sum.count), sum.sum.data])
        }
        try db.cachedStatement(sql: "UPDATE totals SET payload_bytes = payload_bytes + ?")
            .execute(arguments: [payloadBytes])
    }
}

extension BucketPrefix {
    /// As the column `value` holds it. Prefixes of stored transactions do not reach 2^63.
    var column: Int64 { Int64(bitPattern: value) }

    /// The columns that begin with this prefix; `nil` when no stored transaction can.
    var columns: ClosedRange<Int64>? {
        guard let lower = Int64(exactly: keys.lowerBound) else { return nil }
        return lower...(Int64(exactly: keys.upperBound) ?? .max)
    }
}

extension BucketSum {
    init(row: Row) throws {
        self.init(count: UInt64(clamping: row["count"] as Int64), sum: try Hash256(column: row["sum"]))
    }
}

extension Hash256 {
    /// - Throws: ``StoreError`` when the column does not hold 32 bytes.
    init(column: Data) throws {
        guard let hash = Hash256(bytes: column) else {
            throw StoreError(.corrupt, "the database has a hash of \(column.count) bytes")
        }
        self = hash
    }
}
