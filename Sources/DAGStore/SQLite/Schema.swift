internal import GRDB

/// The tables. A migration that has been released is never changed; what is new gets a further one.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 transactions") { db in
            try db.execute(sql: transactions)
        }
        migrator.registerMigration("2 proofs of holding") { db in
            try db.execute(sql: proofs)
        }
        return migrator
    }

    /// Payloads stand apart, so that a change of state does not rewrite them and listings do not read them.
    private static let transactions = """
        CREATE TABLE transactions (
            id INTEGER PRIMARY KEY,
            tx_id TEXT NOT NULL UNIQUE,
            content_hash BLOB NOT NULL,
            bucket_key INTEGER NOT NULL,
            holder_id TEXT NOT NULL,
            timestamp INTEGER NOT NULL,
            signature BLOB NOT NULL,
            public_key BLOB NOT NULL,
            payload_bytes INTEGER NOT NULL,
            stored_at INTEGER NOT NULL,
            source INTEGER NOT NULL,
            linked INTEGER NOT NULL DEFAULT 0,
            -- 1: the linking worker has to look at it.
            to_examine INTEGER NOT NULL DEFAULT 1,
            peer_acks INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX transactions_by_bucket ON transactions (bucket_key, content_hash);
        CREATE INDEX transactions_to_examine ON transactions (id) WHERE to_examine = 1;
        CREATE INDEX transactions_pending ON transactions (id) WHERE linked = 0;

        CREATE TABLE payloads (
            id INTEGER PRIMARY KEY REFERENCES transactions (id),
            payload BLOB NOT NULL
        ) STRICT;

        -- The edges of the DAG.
        CREATE TABLE parents (
            child INTEGER NOT NULL REFERENCES transactions (id),
            position INTEGER NOT NULL,
            parent_id TEXT NOT NULL,
            PRIMARY KEY (child, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX parents_by_parent ON parents (parent_id, child);

        -- Digests of the buckets with prefixes of `length` bytes; `value` has the prefix in its upper bytes.
        CREATE TABLE buckets (
            length INTEGER NOT NULL,
            value INTEGER NOT NULL,
            count INTEGER NOT NULL,
            sum BLOB NOT NULL,
            PRIMARY KEY (length, value)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE totals (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            payload_bytes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO totals VALUES (1, 0);
        """

    private static let proofs = """
        -- This node's chain of answers.
        CREATE TABLE poh_answers (
            sequence INTEGER PRIMARY KEY,
            nonce BLOB NOT NULL UNIQUE,
            hash BLOB NOT NULL,
            request BLOB NOT NULL,
            answer BLOB NOT NULL
        ) STRICT;

        -- What came of challenges to peers.
        CREATE TABLE poh_checks (
            id INTEGER PRIMARY KEY,
            peer TEXT NOT NULL,
            tx_id TEXT NOT NULL,
            nonce BLOB NOT NULL UNIQUE,
            asked_at INTEGER NOT NULL,
            result INTEGER NOT NULL,
            message TEXT NOT NULL,
            sequence INTEGER,
            hash BLOB
        ) STRICT;
        CREATE INDEX poh_checks_by_chain ON poh_checks (peer, sequence);
        CREATE INDEX poh_checks_by_result ON poh_checks (result);
        """
}
