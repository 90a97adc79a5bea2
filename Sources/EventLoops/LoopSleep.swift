extension EventLoop {
    /// Returns after `duration` of the loop's time.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    package func sleep(for duration: Duration) async throws {
        let sleeper = Sleeper(self)
        try await withTaskCancellationHandler {
            try await suspend { (continuation: Suspension<Void>) in
                execute { sleeper.begin(duration, continuation) }
            }
        } onCancel: {
            execute { sleeper.cancel() }
        }
    }
}

/// A task that sleeps on a loop.
///
/// Soundness of `@unchecked Sendable`: it is used on its loop only.
private final class Sleeper: LoopTimerHandler, @unchecked Sendable {
    private let loop: EventLoop
    private let timer = LoopTimer()
    private var continuation: Suspension<Void>?
    private var isCancelled = false

    init(_ loop: EventLoop) { self.loop = loop }

    func begin(_ duration: Duration, _ continuation: Suspension<Void>) {
        // The cancellation may have come first.
        guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
        self.continuation = continuation
        loop.schedule(timer, for: self, after: duration)
    }

    func cancel() {
        isCancelled = true
        loop.cancel(timer)
        continuation.take()?.resume(throwing: CancellationError())
    }

    func timerFired(_ timer: LoopTimer) { continuation.take()?.resume() }
}
