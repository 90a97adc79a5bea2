internal import NodeTransport
internal import Synchronization

/// One call: the machine behind a lock, and who waits for it.
final class InMemoryCall: Sendable {
    private enum Waiter {
        case none
        /// Woken before it began to wait.
        case signalled
        case waiting(CheckedContinuation<Void, Never>)
    }

    private struct Storage {
        var machine: CallMachine
        var waiters = [Waiter](repeating: .none, count: CallMachine.Slot.allCases.count)
        var handler: Task<Void, Never>?
        var timer: Task<Void, Never>?
    }

    let head: CallHead
    let link: InMemoryLink
    private let storage: Mutex<Storage>

    init(head: CallHead, link: InMemoryLink) {
        self.head = head
        self.link = link
        storage = Mutex(
            Storage(
                machine: CallMachine(
                    requests: link.client.configuration.newQueue(), responses: link.server.configuration.newQueue())))
    }

    /// Starts the handler and the timer. Both tasks end with the call: the handler is cancelled when the call is
    /// cut, the timer when it has left the connection.
    func start(_ handler: MethodHandler) {
        // Detached: nothing task-local of the caller may reach the peer's handler.
        let task = Task.detached { await InMemoryServerCall(self).serve(handler) }
        let timer = head.deadline.map { deadline in
            Task.detached { [clock = link.clock] in
                guard (try? await clock.sleep(until: deadline.instant)) != nil else { return }
                self.cut(.deadlineExceeded(self.head.method, endpoint: self.link.endpoint))
            }
        }
        let isOver = storage.withLock { storage in
            guard storage.machine.isRunning else { return true }
            storage.handler = task
            storage.timer = timer
            return false
        }
        if isOver {
            task.cancel()
            timer?.cancel()
        }
    }

    /// Changes the machine under the lock and does outside it what follows.
    func withMachine<Value: Sendable>(_ change: (inout CallMachine, inout CallMachine.Effects) -> Value) -> Value {
        let (value, wakeUps, ended) = storage.withLock {
            storage -> (Value, [CheckedContinuation<Void, Never>], [Task<Void, Never>]?) in
            var effects = CallMachine.Effects()
            let value = change(&storage.machine, &effects)
            let wakeUps = effects.wake.compactMap { Self.signal(&storage.waiters[$0.rawValue]) }
            guard effects.hasLeft else { return (value, wakeUps, nil) }
            let ended = [storage.timer, effects.cancelsHandler ? storage.handler : nil].compactMap { $0 }
            (storage.timer, storage.handler) = (nil, nil)
            return (value, wakeUps, ended)
        }
        for task in ended ?? [] { task.cancel() }
        if ended != nil { link.remove(self) }
        for continuation in wakeUps { continuation.resume() }
        return value
    }

    /// Ends the call at once with `error`.
    func cut(_ error: TransportError) { withMachine { $0.cut(error, &$1) } }

    /// Tries `step` until it need not wait, in turn with what wakes `slot`.
    ///
    /// - Parameter onCancel: What ends the wait when the task is cancelled.
    func perform<Value: Sendable>(
        _ slot: CallMachine.Slot,
        onCancel: @Sendable () -> Void,
        _ step: (inout CallMachine, inout CallMachine.Effects) -> CallMachine.Step<Value>
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            while true {
                switch withMachine(step) {
                case .done(let value): return value
                case .failed(let error): throw error
                case .wait: try await wait(slot)
                }
            }
        } onCancel: {
            onCancel()
        }
    }

    /// Wakes whoever waits in `slot`.
    func wake(_ slot: CallMachine.Slot) {
        storage.withLock { Self.signal(&$0.waiters[slot.rawValue]) }?.resume()
    }

    private func wait(_ slot: CallMachine.Slot) async throws {
        let isTaken = storage.withLock { storage in
            if case .waiting = storage.waiters[slot.rawValue] { true } else { false }
        }
        guard !isTaken else {
            throw TransportError(
                .failedPrecondition, "two tasks did the same to one call at once", endpoint: link.endpoint)
        }
        await withCheckedContinuation { continuation in
            let goesOn = storage.withLock { storage in
                guard case .none = storage.waiters[slot.rawValue] else {
                    if case .signalled = storage.waiters[slot.rawValue] { storage.waiters[slot.rawValue] = .none }
                    return true
                }
                storage.waiters[slot.rawValue] = .waiting(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    private static func signal(_ waiter: inout Waiter) -> CheckedContinuation<Void, Never>? {
        defer { waiter = if case .waiting = waiter { .none } else { .signalled } }
        if case .waiting(let continuation) = waiter { return continuation }
        return nil
    }
}
