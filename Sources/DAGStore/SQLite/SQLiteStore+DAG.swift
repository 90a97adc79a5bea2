internal import GRDB

extension SQLiteStore {
    public func linkPending(limit: Int) async throws -> LinkResult {
        try await commits.write { batch in try batch.linkPending(limit: limit) }
    }

    public func missingParents(limit: Int) async throws -> [String] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    -- CROSS JOIN: SQLite is to begin with the few that are pending, not with all edges.
                    SELECT DISTINCT parent_id
                    FROM transactions INDEXED BY transactions_pending CROSS JOIN parents ON child = id
                    WHERE linked = 0 AND NOT EXISTS (SELECT 1 FROM transactions AS p WHERE p.tx_id = parent_id)
                    LIMIT ?
                    """)
            return try String.fetchAll(statement, arguments: [limit])
        }
    }

    public func addAcknowledgements(_ counts: [String: Int]) async throws {
        try await commits.write { batch in
            let statement = try batch.db.cachedStatement(
                sql: "UPDATE transactions SET peer_acks = peer_acks + ? WHERE tx_id = ?")
            for (id, count) in counts { try statement.execute(arguments: [count, id]) }
        }
    }
}

extension WriteBatch {
    /// Links what can be linked, beginning with `limit` transactions: linking one makes its children worth a look. What is
    /// left over after some more is for the next pass, so that a long chain is linked in steps.
    fileprivate func linkPending(limit: Int) throws -> LinkResult {
        let unlinkedParent = try db.cachedStatement(
            sql: """
                SELECT 1 FROM parents LEFT JOIN transactions ON tx_id = parent_id
                WHERE child = ? AND coalesce(linked, 0) = 0 LIMIT 1
                """)
        let update = try db.cachedStatement(
            sql: "UPDATE transactions SET to_examine = ?, linked = ? WHERE id = ?")
        let children = try db.cachedStatement(
            sql: """
                SELECT id, tx_id FROM transactions
                WHERE id IN (SELECT child FROM parents WHERE parent_id = ?) AND linked = 0
                """)
        var queue = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT id, tx_id FROM transactions WHERE to_examine = 1 ORDER BY id LIMIT ?"),
            arguments: [limit]
        ).map(Candidate.init)
        var linked: Set<Int64> = []
        var position = 0
        while position < queue.count, position < 2 * limit {
            let candidate = queue[position]
            position += 1
            guard !linked.contains(candidate.id) else { continue }
            let isLinkable = try Int.fetchOne(unlinkedParent, arguments: [candidate.id]) == nil
            try update.execute(arguments: [false, isLinkable, candidate.id])
            guard isLinkable else { continue }
            linked.insert(candidate.id)
            queue += try Row.fetchAll(children, arguments: [candidate.txID]).map(Candidate.init)
        }
        for candidate in queue[position...] where !linked.contains(candidate.id) {
            try update.execute(arguments: [true, false, candidate.id])
        }
        let more = try Int.fetchOne(db, sql: "SELECT 1 FROM transactions WHERE to_examine = 1 LIMIT 1")
        return LinkResult(examined: position, linked: linked.count, hasMore: more != nil)
    }
}

/// A transaction that may be linked.
private struct Candidate {
    let id: Int64
    let txID: String

    init(row: Row) {
        id = row["id"]
        txID = row["tx_id"]
    }
}
