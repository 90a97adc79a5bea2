internal import Logging
internal import NodeTransport

/// A connection whose idempotent unary calls are sent more than once when an answer is late.
struct HedgingConnection: ConnectionWrapper {
    /// What the tasks of one call come to.
    private enum Outcome {
        case ended(copy: Int, Result<UnaryReply, any Error>)
        /// A time came, or the call was cancelled.
        case woken
    }

    let base: any Connection
    let policy: HedgingPolicy
    let calls: BudgetedCalls
    /// Whether what is beneath says which peer each copy goes to.
    let tracksPeers: Bool
    let logger: Logger?
    let clock: AnyContinuousClock
    let onEvent: ResilienceObserver?

    func open(_ head: CallHead) async throws -> any ClientCall { try await base.open(head) }

    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        guard head.isIdempotent else { return try await base.unary(head, request) }
        let budget = calls.began(head)
        defer { budget?.callEnded() }
        let result = await withTaskGroup(of: Outcome.self, returning: Result<UnaryReply, any Error>.self) { group in
            // What is left in the group when the call is decided ends now: the other copies, and timers.
            defer { group.cancelAll() }
            return await race(head, request, in: &group)
        }
        return try result.get()
    }

    private func race(
        _ head: CallHead, _ request: Bytes, in group: inout TaskGroup<Outcome>
    ) async -> Result<UnaryReply, any Error> {
        var head = head
        let outer = head.attempt
        var copies: [CallAttempt] = []
        var machine = HedgingMachine(policy, deadline: head.deadline, now: clock.now)
        if tracksPeers { copies.append(CallAttempt(within: outer)) }
        send(head, request, copy: 1, copies.last, in: &group)
        var timer = setTimer(nil, machine.nextCopyAt, in: &group)
        var lastError: any Error = TransportError(.internal, "\(head.method) has no copy", endpoint: endpoint)
        while let outcome = await group.next() {
            switch outcome {
            case .woken: break
            case .ended(_, .success(let reply)): return .success(reply)
            case .ended(let copy, .failure(let error)):
                let goesOn = machine.failed(with: error, now: clock.now)
                if !base.state.takesCalls { machine.stop() }
                lastError = (error as? TransportError)?.at(nil, attempt: copy) ?? error
                guard goesOn, !Task.isCancelled else { return .failure(lastError) }
                head.avoidPeer(of: error)
            }
            if Task.isCancelled, machine.pendingCount == 0 {
                return .failure(
                    TransportError(
                        .cancelled, "\(head.method) was cancelled while it waited for its next copy",
                        endpoint: endpoint))
            }
            let now = clock.now
            if machine.isDue(now: now), mayCopy(head, machine, now) {
                machine.sent(now: now)
                head.setPreviousAttempts(machine.sentCount - 1)
                if tracksPeers {
                    // The late ones; those that have failed it avoids in any case.
                    for peer in copies.flatMap(\.peers) { head.avoid(peer) }
                    copies.append(CallAttempt(within: outer))
                }
                send(head, request, copy: machine.sentCount, copies.last, in: &group)
            } else if machine.isDue(now: now) {
                machine.stop()
            }
            if machine.isOver { return .failure(lastError) }
            timer = setTimer(timer, machine.nextCopyAt, in: &group)
        }
        // Not reached: while the machine is not over, a copy or a timer is under way.
        return .failure(lastError)
    }

    private func send(
        _ head: CallHead, _ request: Bytes, copy: Int, _ attempt: CallAttempt?, in group: inout TaskGroup<Outcome>
    ) {
        var head = head
        if let attempt { head.attempt = attempt }
        group.addTask { [base, head] in
            do {
                return .ended(copy: copy, .success(try await base.unary(head, request)))
            } catch {
                return .ended(copy: copy, .failure(error))
            }
        }
    }

    /// Has the group woken at `instant`, unless it is already.
    private func setTimer(
        _ current: ContinuousClock.Instant?, _ instant: ContinuousClock.Instant?, in group: inout TaskGroup<Outcome>
    ) -> ContinuousClock.Instant? {
        guard let instant, instant != current else { return current }
        group.addTask { [clock] in
            try? await clock.sleep(until: instant)
            return .woken
        }
        return instant
    }

    /// Takes a copy out of the budget, and tells.
    private func mayCopy(_ head: CallHead, _ machine: HedgingMachine, _ now: ContinuousClock.Instant) -> Bool {
        let isFunded = calls.budget?.withdraw(now: now) ?? true
        let copy = "copy \(machine.sentCount + 1)/\(policy.copies)"
        let event = ResilienceEvent(
            isFunded ? .hedged : .retryBudgetExhausted, endpoint: endpoint, method: head.method,
            detail: isFunded ? copy : "no \(copy): \(RetryMachine.Reason.budgetUsedUp.rawValue)")
        logger?.debug("\(event)")
        onEvent?(event)
        return isFunded
    }
}
