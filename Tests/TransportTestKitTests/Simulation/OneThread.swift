import Dispatch

/// Runs tasks one after the other, so that a task that is ready cannot be overtaken because its thread waits for a processor.
final class OneThread: TaskExecutor {
    private let queue = DispatchQueue(label: "tests.one-thread")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
