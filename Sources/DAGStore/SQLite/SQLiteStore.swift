public import DAGProtocol
internal import Foundation
internal import GRDB
internal import Synchronization

/// A ``TransactionStore`` in one SQLite file.
///
/// Durability: write-ahead log with `synchronous = FULL`, so each commit is flushed to the disk before it is
/// acknowledged; commits are shared (see `GroupCommit`), which is what makes that fast.
/// Work is done on the database's own threads, never on the caller's.
public final class SQLiteStore: Sendable {
    /// Digests are stored for prefixes up to this length; those of the longest prefixes are computed when asked for.
    static let storedPrefixLength = BucketPrefix.maximumLength - 1

    /// The database's file.
    public let path: String

    let pool: DatabasePool
    let commits: GroupCommit
    let now: @Sendable () -> Timestamp
    private let lock: DirectoryLock
    private let isClosed = Mutex(false)

    /// Opens the store in `directory`, and makes both if they are not there.
    ///
    /// - Parameters:
    ///   - directory: Holds `ledger.sqlite`, its log, and the file `lock`.
    ///   - now: The clock that says when a transaction was stored.
    /// - Throws: ``StoreError`` when the directory or the file cannot be opened, is no database, is damaged, or is
    ///   open in another process.
    public init(directory: String, now: @escaping @Sendable () -> Timestamp = { .now() }) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw StoreError(
                .unreadable, "cannot make directory \(directory): \(error.localizedDescription)", cause: error)
        }
        lock = try DirectoryLock(path: directory + "/lock")
        path = directory + "/ledger.sqlite"
        self.now = now
        do {
            pool = try Self.open(path)
        } catch {
            throw StoreError(error, path: path)
        }
        commits = GroupCommit(pool: pool, path: path)
    }

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.maximumReaderCount = 4
        let pool = try DatabasePool(path: path, configuration: configuration)
        // GRDB sets NORMAL, with which a loss of power may undo the latest commits.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        let migrator = Schema.migrator
        if let unknown = try pool.read({ try migrator.hasBeenSuperseded($0) ? path : nil }) {
            throw StoreError(.unreadable, "database \(unknown): was written by a newer version of this program")
        }
        try migrator.migrate(pool)
        return pool
    }

    /// Reads on one of the database's threads.
    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        do {
            return try await pool.read(body)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Writes what the log holds into the database's file, and closes; a second time it does nothing. Nothing is lost
    /// without it. Nothing may be read or written at the same time or later.
    public func close() throws {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        do {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try pool.close()
        } catch {
            throw StoreError(error, path: path)
        }
    }
}
