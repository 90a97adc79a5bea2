import Dispatch

/// An executor that has nothing to do with event loops.
final class OwnExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "tests.own-executor")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
