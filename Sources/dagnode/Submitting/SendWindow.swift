internal import Synchronization

/// How far a sender may be ahead of the acknowledgements.
final class SendWindow: Sendable {
    private struct State {
        var acknowledged: Int
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let size: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - size: How many may be sent and not acknowledged.
    ///   - acknowledged: How many are acknowledged at the beginning.
    init(size: Int, acknowledged: Int) {
        self.size = max(size, 1)
        state = Mutex(State(acknowledged: acknowledged))
    }

    func acknowledge(_ count: Int) {
        state.withLock { state in
            state.acknowledged = max(state.acknowledged, count)
            return state.waiter.take()
        }?.resume()
    }

    /// Waits until the one with this index may be sent; returns early when the task is cancelled.
    func wait(for index: Int) async {
        while !Task.isCancelled, state.withLock({ index >= $0.acknowledged + size }) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isDue = state.withLock { state in
                        if index < state.acknowledged + size || Task.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isDue { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.waiter.take() }?.resume()
            }
        }
    }
}
