internal import Synchronization

/// Runs `body`, and gives up waiting for it after ``TransportUnderTest/caseTimeLimit`` even if it does not heed its
/// cancellation.
func withTimeLimit(of test: any TransportUnderTest, _ body: @escaping @Sendable () async throws -> Void) async throws {
    let waiting = Mutex<CheckedContinuation<Void, any Error>?>(nil)
    let work = Mutex<Task<Void, Never>?>(nil)
    let finish: @Sendable (Result<Void, any Error>) -> Void = { result in
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(with: result)
    }
    // Ends below, or by its own sleep.
    let limit = test.caseTimeLimit
    let timer = Task.detached(executorPreference: test.executor) { [clock = test.clock] in
        guard (try? await clock.sleep(for: limit)) != nil else { return }
        work.withLock { $0 }?.cancel()
        finish(.failure(ContractViolation("the case did not end within \(limit)")))
    }
    defer { timer.cancel() }
    try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            waiting.withLock { $0 = continuation }
            // A task of its own, so that one that hangs cannot keep this function; cancelled by the timer.
            let task = Task(executorPreference: test.executor) {
                do {
                    try await body()
                    finish(.success(()))
                } catch {
                    finish(.failure(error))
                }
            }
            work.withLock { $0 = task }
            if Task.isCancelled { task.cancel() }
        }
    } onCancel: {
        work.withLock { $0 }?.cancel()
    }
}
