public import DAGProtocol
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore {
    public func sums(of prefixes: [BucketPrefix]) async throws -> [BucketSum] {
        try await read { db in try prefixes.map { try db.sum(of: $0) } }
    }

    public func children(of prefix: BucketPrefix) async throws -> [BucketPrefix: BucketSum] {
        guard prefix.length < BucketPrefix.maximumLength, let columns = prefix.columns else { return [:] }
        return try await read { db in
            prefix.length < Self.storedPrefixLength
                ? try db.storedSums(prefix.length + 1, columns) : try db.computedSums(prefix.length + 1, columns)
        }
    }

    public func list(_ prefix: BucketPrefix, after cursor: ListCursor?, limit: Int) async throws -> ListPage {
        guard let columns = prefix.columns, limit > 0 else { return ListPage(transactions: [], next: nil) }
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT bucket_key, content_hash, tx_id FROM transactions
                    WHERE bucket_key BETWEEN ? AND ? AND (bucket_key, content_hash) > (?, ?)
                    ORDER BY bucket_key, content_hash LIMIT ?
                    """)
            let (key, hash) = cursor.map { (Int64(clamping: $0.key.value), $0.contentHash.data) } ?? (-1, Data())
            let rows = try Row.fetchAll(
                statement,
                arguments: [max(columns.lowerBound, key), columns.upperBound, key, hash, limit])
            let transactions = try rows.map {
                ListedTransaction(id: $0["tx_id"], contentHash: try Hash256(column: $0["content_hash"]))
            }
            guard rows.count == limit, let last = rows.last, let item = transactions.last else {
                return ListPage(transactions: transactions, next: nil)
            }
            let lastKey = BucketKey(value: UInt64(clamping: last["bucket_key"] as Int64))
            return ListPage(transactions: transactions, next: ListCursor(key: lastKey, contentHash: item.contentHash))
        }
    }
}

extension Database {
    func sum(of prefix: BucketPrefix) throws -> BucketSum {
        guard let columns = prefix.columns else { return .empty }
        guard prefix.length <= SQLiteStore.storedPrefixLength else {
            return try computedSums(prefix.length, columns)[prefix] ?? .empty
        }
        let statement = try cachedStatement(sql: "SELECT count, sum FROM buckets WHERE length = ? AND value = ?")
        let row = try Row.fetchOne(statement, arguments: [prefix.length, prefix.column])
        return try row.map { try BucketSum(row: $0) } ?? .empty
    }

    fileprivate func storedSums(_ length: Int, _ columns: ClosedRange<Int64>) throws -> [BucketPrefix: BucketSum] {
        let statement = try cachedStatement(
            sql: "SELECT value, count, sum FROM buckets WHERE length = ? AND value BETWEEN ? AND ?")
        let rows = try Row.fetchCursor(statement, arguments: [length, columns.lowerBound, columns.upperBound])
        var sums: [BucketPrefix: BucketSum] = [:]
        while let row = try rows.next() {
            let prefix = BucketPrefix(length: length, value: UInt64(clamping: row["value"] as Int64))
            sums[prefix] = try BucketSum(row: row)
        }
        return sums
    }

    /// Adds up what the index holds; `columns` are those of one bucket with a long prefix, so that there are not many.
    fileprivate func computedSums(_ length: Int, _ columns: ClosedRange<Int64>) throws -> [BucketPrefix: BucketSum] {
        let statement = try cachedStatement(
            sql: "SELECT bucket_key, content_hash FROM transactions WHERE bucket_key BETWEEN ? AND ?")
        let rows = try Row.fetchCursor(statement, arguments: [columns.lowerBound, columns.upperBound])
        var sums: [BucketPrefix: BucketSum] = [:]
        while let row = try rows.next() {
            let key = BucketKey(value: UInt64(clamping: row["bucket_key"] as Int64))
            sums[key.prefix(length), default: .empty].add(try Hash256(column: row["content_hash"]))
        }
        return sums
    }
}
