internal import NodeTransport
internal import Synchronization

extension ChannelCore {
    /// What has to be done under the lock.
    func apply(
        _ effects: ChannelMachine.Effects, _ state: inout State, _ now: ContinuousClock.Instant,
        _ before: Outside = Outside()
    ) -> Outside {
        var outside = before
        for peer in effects.releases { release(peer, &state, &outside) }
        for start in effects.starts {
            var slot = state.slots[start.peer] ?? Slot()
            slot.attempt = start.attempt
            // Ends with the attempt or its connection; whoever gives the peer up cancels it.
            slot.task = detached { await self.attempt(start) }
            state.slots[start.peer] = slot
        }
        if effects.usableChanged { choose(&state) }
        outside.events += effects.events
        outside.asksResolver = outside.asksResolver || effects.asksResolver
        tell(&state)
        wake(&state, now, &outside)
        if let next = state.machine.nextTimer { arm(next, &state, &outside) }
        return outside
    }

    func run(_ outside: Outside) {
        for task in outside.cancels { task.cancel() }
        for continuation in outside.wakes { continuation.resume() }
        if outside.asksResolver { requests.request() }
        if let observer { for event in outside.events { observer(event) } }
        for id in outside.drains {
            // Ends when the calls in flight do, at the latest after the grace.
            detached { [self] in
                guard let connection = state.withLock({ $0.draining[id] }) else { return }
                await connection.close(within: configuration.drainGrace)
                state.withLock { _ = $0.draining.removeValue(forKey: id) }
            }
        }
    }

    func release(_ peer: Int, _ state: inout State, _ outside: inout Outside) {
        guard var slot = state.slots[peer] else { return }
        if let task = slot.task { outside.cancels.append(task) }
        if let connection = slot.connection {
            state.nextDraining += 1
            state.draining[state.nextDraining] = connection
            outside.drains.append(state.nextDraining)
        }
        (slot.task, slot.connection) = (nil, nil)
        state.slots[peer] = slot
    }

    /// Lines up the connections that calls may go to.
    private func choose(_ state: inout State) {
        let known = Set(state.machine.peers.map(\.id))
        state.slots = state.slots.filter { known.contains($0.key) }
        (state.targets, state.candidates) = ([], [])
        for id in state.machine.usable {
            guard let peer = state.machine.peer(id), let slot = state.slots[id], let connection = slot.connection
            else { continue }
            state.targets.append(
                PickTarget(endpoint: peer.resolved.endpoint, weight: peer.resolved.weight, load: slot.load))
            state.candidates.append(
                ChannelCandidate(
                    peer: id, attempt: slot.attempt, endpoint: peer.resolved.endpoint, connection: connection,
                    load: slot.load))
        }
        state.picker = Picker(balancer, state.targets, random: &state.random)
    }

    /// Tells the channel's state; under the lock, so that states do not overtake each other.
    private func tell(_ state: inout State) {
        switch state.machine.readiness {
        case .ready: if !states.state.isReady { states.update(.ready) }
        case .connecting, .failing: if states.state.isReady { states.update(.connecting) }
        case .closed: break
        }
    }

    private func wake(_ state: inout State, _ now: ContinuousClock.Instant, _ outside: inout Outside) {
        guard !state.waiters.isEmpty else { return }
        let readiness = state.machine.readiness
        // Who came first goes first.
        for (id, waiter) in state.waiters.sorted(by: { $0.key < $1.key }) {
            let goesOn =
                switch readiness {
                case .ready, .closed: true
                case .failing: !waiter.waitsForReady
                case .connecting: false
                }
            guard goesOn || waiter.wantsChange || waiter.deadline?.hasPassed(now: now) == true else { continue }
            state.waiters[id] = nil
            outside.wakes.append(waiter.continuation)
        }
    }

    // MARK: Time

    /// Wakes the channel at `instant`, unless it wakes before in any case.
    func arm(_ instant: ContinuousClock.Instant, _ state: inout State, _ outside: inout Outside) {
        if let timer = state.timer {
            if timer.instant <= instant { return }
            outside.cancels.append(timer.task)
        }
        // Ends at its time; closing the channel, or an earlier timer, cancels it.
        let task = detached { [weak self, clock] in
            guard (try? await clock.sleep(until: instant)) != nil else { return }
            self?.timerFired(instant)
        }
        state.timer = (instant, task)
    }

    private func timerFired(_ instant: ContinuousClock.Instant) {
        let now = clock.now
        let outside = state.withLock { state in
            if state.timer?.instant == instant { state.timer = nil }
            var outside = apply(state.machine.passTime(now: now), &state, now)
            if let deadline = state.waiters.values.compactMap(\.deadline).min() {
                arm(deadline.instant, &state, &outside)
            }
            return outside
        }
        run(outside)
    }
}
