internal import GRDB
internal import Synchronization

/// Commits writes together: those that arrive while one commit is under way share the next.
///
/// A commit waits for the disk (about a millisecond) whether it holds one transaction or a thousand. Nobody waits
/// longer than for the commit under way and the one after it. All work is done on the database's own thread.
///
/// At most ``maximumQueuedJobs`` jobs and ``maximumQueuedBytes`` bytes wait; further ones are refused with
/// ``StoreError/Code/busy``.
final class GroupCommit: Sendable {
    static let maximumQueuedJobs = 16_384
    static let maximumQueuedBytes = 128 * 1024 * 1024
    /// A commit is not made larger than this, so that acknowledgements keep coming.
    static let maximumBatchJobs = 1_024
    static let maximumBatchBytes = 16 * 1024 * 1024

    private struct Job: Sendable {
        let bytes: Int
        /// Does the work; what it returns is called after the commit.
        let run: @Sendable (WriteBatch) throws -> @Sendable () -> Void
        let fail: @Sendable (StoreError) -> Void
    }

    private struct Queue {
        var jobs: [Job] = []
        var bytes = 0
        var isDraining = false
    }

    private let pool: DatabasePool
    private let path: String
    private let queue = Mutex(Queue())

    init(pool: DatabasePool, path: String) {
        self.pool = pool
        self.path = path
    }

    /// Runs `body` in a transaction that others share, and returns its result once that is durable.
    ///
    /// - Parameters:
    ///   - bytes: About how much it writes.
    ///   - body: Throws only when the database fails: an error undoes the work of all that share the transaction.
    func write<Result: Sendable>(
        bytes: Int = 0, _ body: @escaping @Sendable (WriteBatch) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let job = Job(
                bytes: bytes,
                run: { batch in
                    let result = try body(batch)
                    return { continuation.resume(returning: result) }
                },
                fail: { continuation.resume(throwing: $0) })
            enqueue(job)
        }
    }

    private func enqueue(_ job: Job) {
        enum Action { case drain, wait, refuse }
        let action = queue.withLock { queue -> Action in
            guard queue.jobs.count < Self.maximumQueuedJobs, queue.bytes + job.bytes <= Self.maximumQueuedBytes else {
                return .refuse
            }
            queue.jobs.append(job)
            queue.bytes += job.bytes
            guard !queue.isDraining else { return .wait }
            queue.isDraining = true
            return .drain
        }
        switch action {
        case .drain: pool.asyncWriteWithoutTransaction { [self] db in drain(db) }
        case .wait: break
        case .refuse:
            job.fail(
                StoreError(
                    .busy,
                    "too many writes are waiting, at most \(Self.maximumQueuedJobs) and \(Self.maximumQueuedBytes) bytes"
                ))
        }
    }

    private func drain(_ db: Database) {
        while let jobs = nextBatch() {
            do {
                var completions: [@Sendable () -> Void] = []
                completions.reserveCapacity(jobs.count)
                try db.inTransaction(.immediate) {
                    let batch = WriteBatch(db)
                    for job in jobs { completions.append(try job.run(batch)) }
                    try batch.finish()
                    return .commit
                }
                for completion in completions { completion() }
            } catch {
                let error = StoreError(error, path: path)
                for job in jobs { job.fail(error) }
            }
        }
    }

    /// What the next commit holds; `nil`, and the end of draining, when nothing waits.
    private func nextBatch() -> ArraySlice<Job>? {
        queue.withLock { queue in
            var count = 0
            var bytes = 0
            while count < min(queue.jobs.count, Self.maximumBatchJobs), count == 0 || bytes < Self.maximumBatchBytes {
                bytes += queue.jobs[count].bytes
                count += 1
            }
            guard count > 0 else {
                queue.isDraining = false
                return nil
            }
            let batch = queue.jobs.prefix(count)
            queue.jobs = Array(queue.jobs.dropFirst(count))
            queue.bytes -= bytes
            return batch
        }
    }
}
