public import DAGProtocol
internal import FoundationEssentials
internal import GRDB
internal import SwiftProtobuf

extension SQLiteStore {
    public func appendAnswer(
        to request: PoHRequest, _ answer: @escaping @Sendable (PoHChainHead) throws -> PoHAck
    ) async throws -> AnswerOutcome {
        try await commits.write { batch in
            let used = try batch.db.cachedStatement(sql: "SELECT 1 FROM poh_answers WHERE nonce = ?")
            guard try Int.fetchOne(used, arguments: [request.nonce]) == nil else { return .nonceUsed }
            let answer = try answer(batch.db.lastAnswer())
            let insert = try batch.db.cachedStatement(
                sql: "INSERT INTO poh_answers (sequence, nonce, hash, request, answer) VALUES (?, ?, ?, ?, ?)")
            try insert.execute(arguments: [
                Int64(clamping: answer.sequence), request.nonce, answer.hash(answering: request).data,
                try request.serializedData(), try answer.serializedData(),
            ])
            return .answered(answer)
        }
    }

    public func answers(from first: UInt64, limit: Int) async throws -> [PoHExchange] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT request, answer FROM poh_answers WHERE sequence >= ? ORDER BY sequence LIMIT ?")
            return try Row.fetchAll(statement, arguments: [Int64(clamping: first), limit]).map { row in
                PoHExchange(
                    request: try PoHRequest(serializedBytes: row["request"] as Data),
                    answer: try PoHAck(serializedBytes: row["answer"] as Data))
            }
        }
    }

    public func record(_ check: PoHCheck) async throws {
        try await commits.write { batch in
            let insert = try batch.db.cachedStatement(
                sql: """
                    INSERT INTO poh_checks (peer, tx_id, nonce, asked_at, result, message, sequence, hash)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (nonce) DO NOTHING
                    """)
            try insert.execute(arguments: [
                check.peer, check.request.txID, check.request.nonce, check.request.askedAt, check.result.rawValue,
                check.message, check.head.map { Int64(clamping: $0.sequence) }, check.head?.hash.data,
            ])
        }
    }

    public func chainHead(of peer: String) async throws -> PoHChainHead {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT sequence, hash FROM poh_checks WHERE peer = ? AND sequence IS NOT NULL
                    ORDER BY sequence DESC LIMIT 1
                    """)
            return try Row.fetchOne(statement, arguments: [peer]).map { try PoHChainHead(row: $0) } ?? .start
        }
    }
}

extension Database {
    fileprivate func lastAnswer() throws -> PoHChainHead {
        let statement = try cachedStatement(
            sql: "SELECT sequence, hash FROM poh_answers ORDER BY sequence DESC LIMIT 1")
        return try Row.fetchOne(statement).map { try PoHChainHead(row: $0) } ?? .start
    }
}

extension PoHChainHead {
    fileprivate init(row: Row) throws {
        self.init(
            sequence: UInt64(clamping: row["sequence"] as Int64), hash: try Hash256(column: row["hash"]))
    }
}
