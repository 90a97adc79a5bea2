internal import NodeTransport
internal import Synchronization

extension ChannelCore {
    private enum Pick {
        case picked(ChannelCandidate)
        case wait
        case failed(TransportError)
    }

    /// The connection for a call, which counts as in flight there from now on; waits for one where there is none and
    /// the call is to wait.
    ///
    /// - Throws: `unavailable` when there is none, `resourceExhausted` when too many wait, `deadlineExceeded`,
    ///   `cancelled`; with all of them the call has not been processed.
    func candidate(for head: CallHead) async throws -> ChannelCandidate {
        while true {
            switch pick(head) {
            case .picked(let candidate): return candidate
            case .wait:
                try await wait(for: "\(head.method)", deadline: head.deadline, head.routing.waitsForReady)
            case .failed(let error): throw error
            }
        }
    }

    private func pick(_ head: CallHead) -> Pick {
        state.withLock { state in
            if let index = state.picker.pick(head, state.targets, random: &state.random) {
                let candidate = state.candidates[index]
                candidate.load.callsInFlight.add(1, ordering: .relaxed)
                return .picked(candidate)
            }
            switch state.machine.readiness {
            case .ready, .connecting: return .wait
            case .failing(let error): return head.routing.waitsForReady ? .wait : .failed(unreachable(error))
            case .closed: return .failed(closed)
            }
        }
    }

    /// The head with which a call goes to a peer: from now on its attempt's time counts.
    func sent(_ head: CallHead, to candidate: ChannelCandidate) -> CallHead {
        guard let attempt = head.attempt else { return head }
        var head = head
        head.deadline = attempt.sent(to: candidate.endpoint, deadline: head.deadline, now: clock.now)
        return head
    }

    /// Returns when the first peer is ready.
    ///
    /// - Throws: Why none can be reached.
    func waitUntilReady() async throws {
        while true {
            switch state.withLock({ $0.machine.readiness }) {
            case .ready: return
            case .connecting: try await wait(for: "connecting to \(target)", deadline: nil, false)
            case .failing(let error): throw error
            case .closed: throw closed
            }
        }
    }

    /// The one connection that there is.
    ///
    /// - Parameter waitsForReady: Whether to wait also while none can be made.
    func soleCandidate(_ waitsForReady: Bool) async throws -> ChannelCandidate {
        while true {
            let (candidate, readiness) = state.withLock { ($0.candidates.first, $0.machine.readiness) }
            if let candidate { return candidate }
            switch readiness {
            case .failing(let error) where !waitsForReady: throw unreachable(error)
            case .closed: throw closed
            case .ready, .connecting, .failing: try await wait(for: "a datagram", deadline: nil, waitsForReady)
            }
        }
    }

    /// The connection, where just one is in use.
    var onlyConnection: (any Connection)? {
        state.withLock { $0.candidates.count == 1 ? $0.candidates[0].connection : nil }
    }

    // MARK: The end of a call

    func succeeded(_ candidate: ChannelCandidate) {
        candidate.load.callsInFlight.subtract(1, ordering: .relaxed)
        guard candidate.load.hasFailures.load(ordering: .relaxed) else { return }
        state.withLock { state in
            candidate.load.hasFailures.store(false, ordering: .relaxed)
            state.machine.callSucceeded(candidate.peer)
        }
    }

    /// A call is over and says nothing about its peer.
    func ended(_ candidate: ChannelCandidate) { candidate.load.callsInFlight.subtract(1, ordering: .relaxed) }

    func failed(_ candidate: ChannelCandidate, with error: any Error) {
        guard OutlierPolicy.countsAsFailure(error) else {
            // A peer that refuses a call, or cannot find what is asked for, is well.
            if (error as? TransportError)?.origin == .remote { return succeeded(candidate) }
            return ended(candidate)
        }
        ended(candidate)
        // What ends with its connection says no more than that the connection is lost: a peer that was started again is
        // not left out for the calls that it had in flight.
        guard candidate.connection.state.isReady else { return }
        update { machine, now in
            candidate.load.hasFailures.store(true, ordering: .relaxed)
            return machine.callFailed(candidate.peer, now: now)
        }
    }

    /// Whether a call that failed over `candidate` may be made anew without anyone's leave, for no peer has seen it;
    /// waits with it where that is what the call wants.
    ///
    /// - Parameters:
    ///   - head: From now on avoids the peer.
    ///   - passes: How often the call was made.
    /// - Throws: As ``candidate(for:)``, when it waits.
    func goesElsewhere(_ candidate: ChannelCandidate, _ error: any Error, _ head: inout CallHead, passes: Int)
        async throws -> Bool
    {
        guard let error = error as? TransportError, error.code == .unavailable, error.processing == .notProcessed else {
            return false
        }
        let waits = head.routing.waitsForReady
        if !candidate.connection.state.isReady {
            // The connection's own word may not have come yet.
            lost(candidate.peer, attempt: candidate.attempt, with: error)
            return waits || passes < Self.maximumPasses
        }
        // The peer has refused it, not the connection: once elsewhere, then it is for others to decide.
        if error.origin == .remote, passes > 1 { return false }
        guard waits || passes < Self.maximumPasses else { return false }
        if !head.routing.avoided.contains(candidate.endpoint) { head.routing.avoided.append(candidate.endpoint) }
        if passes < Self.maximumPasses, state.withLock({ $0.candidates.contains { $0.peer != candidate.peer } }) {
            return true
        }
        // The connection takes no calls and does not say why: perhaps it is just ending.
        guard waits else { return false }
        let delay = max(
            configuration.backoff.delay(beforeRetry: passes, chance: 0.5), SubchannelMachine.leastDelay)
        try await wait(
            for: "\(head.method)", deadline: head.deadline, true,
            orChange: (candidate, clock.now.advanced(by: delay)))
        return true
    }

    /// How often a call that does not wait is made.
    private static let maximumPasses = 3

    // MARK: Waiting

    /// Waits until there is something new for a call.
    ///
    /// - Parameter change: A connection that has refused the call: then anything that happens is news, and so is that
    ///   the time has come.
    private func wait(
        for what: String, deadline: Deadline?, _ waitsForReady: Bool,
        orChange change: (of: ChannelCandidate, by: ContinuousClock.Instant)? = nil
    ) async throws {
        let waking = [deadline, change.map { Deadline($0.by) }].compactMap { $0 }.min()
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isRoom = Atomic<Bool>(true)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = clock.now
                var outside = Outside()
                let goesOn = state.withLock { state in
                    // Asked under the lock: the cancellation handler removes only what it finds.
                    guard !Task.isCancelled, deadline?.hasPassed(now: now) != true else { return true }
                    switch state.machine.readiness {
                    case .closed: return true
                    case .ready where change.map { !state.uses($0.of) } ?? true: return true
                    case .failing where !waitsForReady: return true
                    case .ready, .failing, .connecting: break
                    }
                    guard state.waiters.count < configuration.maximumWaitingCalls else {
                        isRoom.store(false, ordering: .relaxed)
                        return true
                    }
                    state.waiters[id] = Waiter(
                        continuation: continuation, deadline: waking, waitsForReady: waitsForReady,
                        wantsChange: change != nil)
                    if let waking { arm(waking.instant, &state, &outside) }
                    return false
                }
                run(outside)
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
        if Task.isCancelled {
            throw TransportError(
                .cancelled, "\(what) was cancelled while it waited for a peer", processing: .notProcessed,
                endpoint: target)
        }
        if let deadline, deadline.hasPassed(now: clock.now) {
            throw TransportError(
                .deadlineExceeded, "the deadline of \(what) passed while it waited for a peer",
                processing: .notProcessed, endpoint: target)
        }
        guard isRoom.load(ordering: .relaxed) else {
            throw TransportError(
                .resourceExhausted,
                "\(what) cannot wait for a peer: maximumWaitingCalls, \(configuration.maximumWaitingCalls), are waiting",
                processing: .notProcessed, endpoint: target)
        }
    }

    private func unreachable(_ error: TransportError) -> TransportError {
        TransportError(
            .unavailable, "no peer is ready", cause: error, origin: .library, processing: .notProcessed,
            endpoint: target)
    }

    private var closed: TransportError {
        TransportError(
            .unavailable, "the channel is closed", origin: .library, processing: .notProcessed, endpoint: target)
    }
}
