internal import NodeTransport
internal import Synchronization

/// One stream and its attempts.
///
/// ```
/// running ──fails before it is committed──▶ waiting ──opened──▶ replaying ──all sent again──▶ running
///                                              └──not opened, given up──▶ over
/// ```
///
/// While it waits nothing can be sent or received; while it replays the caller can receive already, since a server may
/// answer before it reads. Committed means that the replay buffer is gone: the caller has seen something of the answer,
/// or has sent too much. From then on all goes to the attempt that is under way.
final class StreamAttempts: Sendable {
    private enum Phase {
        case running
        /// The task ends with the phase after the next: it waits, opens and replays.
        case waiting(Task<Void, Never>)
        case replaying(Task<Void, Never>)
        /// There is no attempt and never will be.
        case over(any Error)
    }

    private struct State {
        /// The attempt under way, or the last one.
        var call: any ClientCall
        /// Which attempt that is, so that news about an older one are told apart.
        var number = 0
        var phase = Phase.running
        /// `nil` once committed.
        var replay: ReplayBuffer?
        /// `nil` until something fails.
        var retried: RetriedCall?
        var isCancelled = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        init(call: any ClientCall, replay: ReplayBuffer, retried: RetriedCall?) {
            self.call = call
            self.replay = replay
            self.retried = retried
        }

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] { exchange(&waiters, with: []) }

        /// Writes down what is sent; what does not fit commits the stream.
        mutating func record(_ body: (inout ReplayBuffer) -> Bool) {
            guard var replay = replay.take() else { return }
            if body(&replay) { self.replay = replay }
        }

        /// Decides what follows the failure of the attempt under way.
        mutating func failed(
            _ error: any Error, _ head: CallHead, _ connection: RetryingConnection, isCancelled: Bool
        ) -> RetriedCall.Step {
            var retried = retried.take() ?? RetriedCall(head, connection.context)
            defer { self.retried = retried }
            return retried.failed(
                with: error, state: connection.state, isCancelled: isCancelled || self.isCancelled)
        }
    }

    /// What an operation has to do now.
    private enum Turn {
        case go(any ClientCall, number: Int, isCommitted: Bool)
        case wait
        /// What was to be sent has been sent by the replay.
        case isDone
        case fail(any Error)
    }

    private let head: CallHead
    private let connection: RetryingConnection
    private let state: Mutex<State>

    init(_ call: any ClientCall, _ head: CallHead, _ connection: RetryingConnection, _ retried: RetriedCall? = nil) {
        self.head = head
        self.connection = connection
        let replay = ReplayBuffer(limit: connection.context.policy.maximumReplayBytes)
        state = Mutex(State(call: call, replay: replay, retried: retried))
    }

    private var context: RetryContext { connection.context }

    // MARK: What the caller does

    func send(_ message: Bytes) async throws {
        try await transmit { replay in
            // Sent after the half-close: the attempt under way says what is wrong with that.
            if replay.isFinished { return true }
            return replay.append(message)
        } _: {
            try await $0.send(message)
        }
    }

    func finishSending() async throws {
        try await transmit { replay in
            replay.finish()
            return true
        } _: {
            try await $0.finishSending()
        }
    }

    /// Writes down what is sent, once, and sends it to the attempt under way.
    ///
    /// - Parameter record: Writes it down; false when it does not fit.
    private func transmit(
        _ record: (inout ReplayBuffer) -> Bool, _ body: (any ClientCall) async throws -> Void
    ) async throws {
        var isRecorded = false
        while true {
            let turn = state.withLock { state -> Turn in
                switch state.phase {
                case .over(let error): return .fail(error)
                case .waiting, .replaying: return .wait
                case .running: break
                }
                if isRecorded && !state.isCancelled { return .isDone }
                if !isRecorded { state.record(record) }
                isRecorded = true
                return .go(state.call, number: state.number, isCommitted: state.replay == nil)
            }
            switch turn {
            case .isDone: return
            case .fail(let error): throw error
            case .wait: await wait(forSending: true)
            case .go(let call, let number, _):
                do {
                    return try await body(call)
                } catch {
                    if let error = failed(error, number) { throw error }
                }
            }
        }
    }

    /// Reads from the attempt under way; what is read commits the stream to it.
    func receive<Value: Sendable>(_ body: (any ClientCall) async throws -> Value) async throws -> Value {
        while true {
            let turn = state.withLock { state -> Turn in
                switch state.phase {
                case .over(let error): .fail(error)
                case .waiting: .wait
                case .running, .replaying:
                    .go(state.call, number: state.number, isCommitted: state.replay == nil)
                }
            }
            switch turn {
            case .isDone, .wait: await wait(forSending: false)
            case .fail(let error): throw error
            case .go(let call, let number, let isCommitted):
                do {
                    let value = try await body(call)
                    if isCommitted || commit(to: number) { return value }
                    // A sender has seen the attempt fail meanwhile, and another one has begun: that one's answer counts.
                } catch {
                    if let error = failed(error, number) { throw error }
                }
            }
        }
    }

    var trailers: Metadata {
        state.withLock { state in
            if case .over(let error) = state.phase { return (error as? TransportError)?.metadata ?? Metadata() }
            return state.call.trailers
        }
    }

    func cancel() {
        let (call, task, waiters) = state.withLock { state in
            state.isCancelled = true
            state.replay = nil
            var task: Task<Void, Never>?
            switch state.phase {
            case .waiting(let running):
                task = running
                let error = TransportError(
                    .cancelled, "\(head.method) was cancelled while it waited for its next attempt",
                    endpoint: connection.endpoint)
                state.phase = .over(error)
            case .replaying(let running): task = running
            case .running, .over: break
            }
            return (state.call, task, state.takeWaiters())
        }
        task?.cancel()
        call.cancel()
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Attempts

    /// Commits to an attempt; false when it is not the one under way any more.
    private func commit(to number: Int) -> Bool {
        state.withLock { state in
            guard state.number == number else { return false }
            if case .waiting = state.phase { return false }
            state.replay = nil
            return true
        }
    }

    /// An attempt has failed: `nil` when another one has begun, or else the error for the caller.
    private func failed(_ error: any Error, _ number: Int) -> (any Error)? {
        let isCancelled = Task.isCancelled
        let (step, result) = state.withLock { state -> (RetriedCall.Step?, (any Error)?) in
            guard state.number == number else { return (nil, nil) }
            switch state.phase {
            case .waiting, .over: return (nil, nil)
            case .running, .replaying: break
            }
            guard state.replay != nil else { return (nil, state.retried?.numbered(error) ?? error) }
            let step = state.failed(error, head, connection, isCancelled: isCancelled)
            guard let delay = step.delay else {
                // The attempt itself goes on telling its outcome.
                state.replay = nil
                return (step, step.finalError)
            }
            // Ends by itself after the replay; `cancel()` ends it sooner.
            state.phase = .waiting(Task { await self.tryAgain(after: delay, step) })
            return (nil, nil)
        }
        if let step { context.tell(step, head) }
        return result
    }

    /// Waits, opens the next attempt, and sends again what was sent.
    private func tryAgain(after delay: Duration, _ step: RetriedCall.Step) async {
        var (delay, step) = (delay, step)
        while true {
            context.tell(step, head)
            // Cancelled: `cancel()` has said how the stream ends.
            guard (try? await context.wait(delay, before: head, after: step)) != nil,
                let head = state.withLock({ $0.retried?.nextHead })
            else { return }
            do {
                let call = try await connection.base.open(head)
                return await replay(to: call)
            } catch {
                let (next, waiters) = state.withLock {
                    state -> (RetriedCall.Step, [CheckedContinuation<Void, Never>]) in
                    let next = state.failed(error, self.head, connection, isCancelled: false)
                    guard next.delay == nil, case .waiting = state.phase else { return (next, []) }
                    state.phase = .over(next.finalError)
                    return (next, state.takeWaiters())
                }
                for waiter in waiters { waiter.resume() }
                guard let again = next.delay else { return context.tell(next, self.head) }
                (delay, step) = (again, next)
            }
        }
    }

    private func replay(to call: any ClientCall) async {
        let begun = state.withLock { state -> (number: Int, ReplayBuffer, [CheckedContinuation<Void, Never>])? in
            guard case .waiting(let task) = state.phase, let replay = state.replay else { return nil }
            state.call = call
            state.number += 1
            state.phase = .replaying(task)
            return (state.number, replay, state.takeWaiters())
        }
        guard let (number, buffer, waiters) = begun else { return call.cancel() }
        for waiter in waiters { waiter.resume() }
        do {
            for message in buffer.messages { try await call.send(message) }
            if buffer.isFinished { try await call.finishSending() }
        } catch {
            // The attempt has ended, and says so to whoever sends or receives next.
        }
        let senders = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.number == number, case .replaying = state.phase else { return [] }
            state.phase = .running
            return state.takeWaiters()
        }
        for sender in senders { sender.resume() }
    }

    /// Returns when the phase may have changed. Cancelling the waiting task cancels the call, which ends the wait.
    private func wait(forSending: Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    switch state.phase {
                    case .waiting: break
                    case .replaying: if !forSending { return true }
                    case .running, .over: return true
                    }
                    state.waiters.append(continuation)
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
    }
}
