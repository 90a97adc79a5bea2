import Foundation

/// Runs a task's jobs on threads of their own, for tests that block: the few threads of the pool are everybody's.
final class OwnThread: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        // The thread keeps the executor for as long as it runs the job.
        Thread.detachNewThread { [self] in withExtendedLifetime(self) { job.runSynchronously(on: executor) } }
    }

    static func run<Failure: Error>(
        _ body: @Sendable () throws(Failure) -> Void
    ) async throws(Failure) {
        let result = await withTaskExecutorPreference(OwnThread()) { () async -> Result<Void, Failure> in
            await Task.yield()
            return Result(catching: body)
        }
        try result.get()
    }
}
