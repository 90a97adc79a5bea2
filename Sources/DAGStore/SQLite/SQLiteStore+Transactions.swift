public import DAGProtocol
public import FoundationEssentials
internal import GRDB

extension SQLiteStore: TransactionStore {
    public func store(_ transaction: Transaction, from source: TransactionSource) async throws -> StoreOutcome {
        let storedAt = now()
        return try await commits.write(bytes: transaction.message.payload.count + 512) { batch in
            try batch.insert(transaction, from: source, storedAt: storedAt)
        }
    }

    public func record(of id: String) async throws -> TransactionRecord? {
        try await read { try $0.record(of: id) }
    }

    public func payload(of id: String) async throws -> Data? {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT payload FROM payloads WHERE id = (SELECT id FROM transactions WHERE tx_id = ?)")
            return try Data.fetchOne(statement, arguments: [id])
        }
    }

    public func transactions(_ ids: ArraySlice<String>, maximumBytes: Int) async throws -> TransactionBatch {
        try await read { db in
            var found: [Transaction] = []
            var consumed = 0
            var bytes = 0
            for id in ids {
                if let transaction = try db.transaction(id) {
                    bytes += transaction.message.payload.count + 256
                    guard found.isEmpty || bytes <= maximumBytes else { break }
                    found.append(transaction)
                }
                consumed += 1
            }
            return TransactionBatch(transactions: found, consumed: consumed)
        }
    }

    public func knownHashes(of listed: [ListedTransaction]) async throws -> Set<Hash256> {
        try await read { db in
            let statement = try db.cachedStatement(sql: "SELECT content_hash FROM transactions WHERE tx_id = ?")
            var known: Set<Hash256> = []
            for item in listed {
                guard let data = try Data.fetchOne(statement, arguments: [item.id]) else { continue }
                let hash = try Hash256(column: data)
                if hash == item.contentHash { known.insert(hash) }
            }
            return known
        }
    }

    public func randomIDs(_ count: Int) async throws -> [String] {
        try await read { db in
            guard let highest = try Int64.fetchOne(db, sql: "SELECT max(id) FROM transactions") else { return [] }
            let statement = try db.cachedStatement(sql: "SELECT tx_id FROM transactions WHERE id >= ? LIMIT 1")
            return try (0..<max(count, 0)).compactMap { _ in
                try String.fetchOne(statement, arguments: [Int64.random(in: 1...highest)])
            }
        }
    }

    public func counts() async throws -> StoreCounts {
        try await read { db in
            var counts = StoreCounts()
            counts.transactions = try db.sum(of: .root).count
            counts.pending = try db.count("SELECT count(*) FROM transactions WHERE linked = 0")
            counts.payloadBytes = try db.count("SELECT payload_bytes FROM totals")
            counts.answers = try db.count("SELECT coalesce(max(sequence), 0) FROM poh_answers")
            for row in try Row.fetchAll(db, sql: "SELECT result, count(*) AS count FROM poh_checks GROUP BY result") {
                guard let result = PoHCheck.Result(rawValue: row["result"]) else { continue }
                counts.checks[result] = UInt64(clamping: row["count"] as Int64)
            }
            return counts
        }
    }
}

extension WriteBatch {
    func insert(_ transaction: Transaction, from source: TransactionSource, storedAt: Timestamp) throws -> StoreOutcome
    {
        let message = transaction.message
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO transactions (tx_id, content_hash, bucket_key, holder_id, timestamp, signature, public_key,
                    payload_bytes, stored_at, source)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tx_id) DO NOTHING
                """)
        try insert.execute(arguments: [
            message.txID, transaction.contentHash.data, Int64(bitPattern: transaction.bucketKey.value),
            message.holderID,
            message.timestamp, message.signature, message.publicKey, message.payload.count, storedAt.microseconds,
            source.rawValue,
        ])
        guard db.changesCount > 0 else { return try outcome(ofKnown: transaction) }
        let id = db.lastInsertedRowID
        try db.cachedStatement(sql: "INSERT INTO payloads (id, payload) VALUES (?, ?)")
            .execute(arguments: [id, message.payload])
        let parent = try db.cachedStatement(sql: "INSERT INTO parents (child, position, parent_id) VALUES (?, ?, ?)")
        for (position, parentID) in message.parentIds.enumerated() {
            try parent.execute(arguments: [id, position, parentID])
        }
        // Children that came before their parent.
        try db.cachedStatement(
            sql:
                "UPDATE transactions SET to_examine = 1 WHERE linked = 0 AND id IN (SELECT child FROM parents WHERE parent_id = ?)"
        ).execute(arguments: [message.txID])
        count(transaction)
        return .stored
    }

    private func outcome(ofKnown transaction: Transaction) throws -> StoreOutcome {
        guard let record = try db.record(of: transaction.id) else {
            throw StoreError(.corrupt, "transaction \(transaction.id) is in an index and not in its table")
        }
        return record.contentHash == transaction.contentHash
            ? .alreadyKnown(record) : .conflict(existing: record.contentHash)
    }
}

extension Database {
    func count(_ sql: String) throws -> UInt64 {
        UInt64(clamping: try Int64.fetchOne(cachedStatement(sql: sql)) ?? 0)
    }

    func record(of id: String) throws -> TransactionRecord? {
        let statement = try cachedStatement(
            sql:
                "SELECT id, content_hash, linked, peer_acks, stored_at, payload_bytes FROM transactions WHERE tx_id = ?"
        )
        guard let row = try Row.fetchOne(statement, arguments: [id]) else { return nil }
        let isLinked: Bool = row["linked"]
        return TransactionRecord(
            id: id, contentHash: try Hash256(column: row["content_hash"]), isLinked: isLinked,
            acknowledgedBy: row["peer_acks"], storedAt: Timestamp(microseconds: row["stored_at"]),
            payloadBytes: row["payload_bytes"], missingParents: isLinked ? [] : try missingParents(of: row["id"]))
    }

    private func missingParents(of child: Int64) throws -> [String] {
        let statement = try cachedStatement(
            sql: """
                SELECT parent_id FROM parents
                WHERE child = ? AND NOT EXISTS (SELECT 1 FROM transactions WHERE tx_id = parent_id)
                """)
        return try String.fetchAll(statement, arguments: [child])
    }

    func transaction(_ id: String) throws -> Transaction? {
        let statement = try cachedStatement(
            sql: """
                SELECT id, content_hash, holder_id, timestamp, signature, public_key, payload
                FROM transactions JOIN payloads USING (id) WHERE tx_id = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [id]) else { return nil }
        var message = Tx()
        message.txID = id
        message.holderID = row["holder_id"]
        message.timestamp = row["timestamp"]
        message.signature = row["signature"]
        message.publicKey = row["public_key"]
        message.payload = row["payload"]
        let parents = try cachedStatement(sql: "SELECT parent_id FROM parents WHERE child = ? ORDER BY position")
        message.parentIds = try String.fetchAll(parents, arguments: [row["id"] as Int64])
        return Transaction(trusted: message, contentHash: try Hash256(column: row["content_hash"]))
    }
}
