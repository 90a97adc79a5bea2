internal import Synchronization

/// Wakes the one task that waits; signals that come while it is busy count as one.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func send() {
        state.withLock { state in
            state.isRaised = true
            return state.waiter.take()
        }?.resume()
    }

    /// Waits for the next signal. Only one task may wait at a time.
    ///
    /// - Returns: Whether there was one; `false` when the task was cancelled.
    func wait() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.isRaised || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
        return state.withLock { state in
            guard !Task.isCancelled else { return false }
            state.isRaised = false
            return true
        }
    }

    /// Waits for the next signal, or until the time is over.
    func wait(atMost pause: Duration, _ clock: any Clock<Duration>) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await clock.sleep(for: pause) }
            group.addTask { _ = await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
