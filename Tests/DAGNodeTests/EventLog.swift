import DAGNode
import Synchronization

/// What a node has said, for tests to wait for.
final class EventLog: Sendable {
    private struct Waiter {
        let id: Int
        let isOver: @Sendable ([NodeEvent]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var events: [NodeEvent] = []
        var waiters: [Waiter] = []
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    var events: [NodeEvent] { state.withLock { $0.events } }

    func add(_ event: NodeEvent) {
        let due = state.withLock { state in
            state.events.append(event)
            let events = state.events
            let due = state.waiters.filter { $0.isOver(events) }
            state.waiters.removeAll { $0.isOver(events) }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }

    /// Waits until at least `count` events, from the beginning of the log, are as `matches` says, or until the task is
    /// cancelled: the suite's time limit ends a wait that is in vain.
    func wait(for count: Int = 1, _ matches: @escaping @Sendable (NodeEvent) -> Bool) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver: @Sendable ([NodeEvent]) -> Bool = { $0.count(where: matches) >= count }
                let isDue = state.withLock { state in
                    if Task.isCancelled || isOver(state.events) { return true }
                    state.waiters.append(Waiter(id: id, isOver: isOver, continuation: continuation))
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume()
        }
    }
}
