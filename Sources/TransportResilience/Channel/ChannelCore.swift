internal import NodeTransport
internal import Synchronization

/// What a channel's handle, its calls and its tasks share: the machine behind a lock, the connections, and who waits.
///
/// It decides under the lock and acts outside; only tasks are started under it, so that whoever gives them up finds
/// them.
final class ChannelCore: Sendable {
    /// What there is of one peer.
    struct Slot {
        var attempt = 0
        var task: Task<Void, Never>?
        var connection: (any Connection)?
        let load = PeerLoad()
    }

    struct Waiter {
        let continuation: CheckedContinuation<Void, Never>
        let deadline: Deadline?
        let waitsForReady: Bool
        /// Whether anything that happens is what it waits for.
        let wantsChange: Bool
    }

    struct State {
        var machine: ChannelMachine
        var picker = Picker.first
        var random: PickRandom
        /// The same peers in the same order.
        var targets: [PickTarget] = []
        var candidates: [ChannelCandidate] = []
        var slots: [Int: Slot] = [:]
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
        /// Connections on which calls may still be in flight, but no new ones begin.
        var draining: [Int: any Connection] = [:]
        var nextDraining = 0
        var timer: (instant: ContinuousClock.Instant, task: Task<Void, Never>)?
        var resolver: Task<Void, Never>?
        var isClosed = false

        /// Whether calls may still go to the connection.
        func uses(_ candidate: ChannelCandidate) -> Bool { candidates.contains { $0 === candidate } }
    }

    /// What is to be done once the lock is free.
    struct Outside {
        var cancels: [Task<Void, Never>] = []
        var wakes: [CheckedContinuation<Void, Never>] = []
        var drains: [Int] = []
        var events: [ResilienceEvent] = []
        var asksResolver = false
    }

    let target: Endpoint
    /// Connects to a peer.
    let connectToPeer: @Sendable (Endpoint) async throws -> any Connection
    let balancer: Balancer
    let configuration: ChannelConfiguration
    let states = ConnectionStateSource(.connecting)
    let clock: AnyContinuousClock
    let state: Mutex<State>
    let observer: ResilienceObserver?
    let requests = ResolutionRequests()
    /// That of the simulation in which the channel was made, if it was in one.
    private let timeSource = Deadline.timeSource

    init(
        target: Endpoint, base: any Transport, balancer: Balancer, configuration: ChannelConfiguration,
        observer: ResilienceObserver?, clock: AnyContinuousClock, seed: UInt64
    ) {
        self.target = target
        connectToPeer = BudgetedCalls.keepingLayers { try await base.connect(to: $0) }
        self.balancer = balancer
        self.configuration = configuration
        self.observer = observer
        self.clock = clock
        var settings = ChannelMachine.Settings(target: target)
        settings.backoff = configuration.backoff
        settings.attemptTimeout = max(configuration.attemptTimeout, .milliseconds(1))
        settings.asksForHealth = configuration.health != nil
        settings.maximumPeers = configuration.maximumPeers
        settings.maximumAttempts = max(configuration.maximumAttempts, 1)
        // With one connection there is nobody else to go to.
        settings.outliers = balancer.usesOneConnection ? nil : configuration.outliers
        if case .pickFirst(let delay) = balancer.kind { settings.attemptDelay = delay }
        state = Mutex(
            State(machine: ChannelMachine(settings: settings, seed: seed), random: PickRandom(seed: ~seed)))
    }

    /// Starts a task that has nothing of whoever happens to start it, such as a call's deadline.
    @discardableResult
    func detached(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task.detached(executorPreference: configuration.executor) { [timeSource] in
            guard let timeSource else { return await body() }
            await Deadline.$timeSource.withValue(timeSource, operation: body)
        }
    }

    /// Begins to follow `resolver`.
    func start(_ resolver: any Resolver) {
        // Ends when the channel is closed, which cancels it.
        let task = detached { [target, requests, weak self] in
            await resolver.follow(target, requests: requests) { [weak self] result in
                self?.update { $0.resolved(result, now: $1) }
            }
        }
        let isClosed = state.withLock { state in
            state.resolver = task
            return state.isClosed
        }
        if isClosed { task.cancel() }
    }

    /// Changes the machine and does what follows.
    ///
    /// - Parameter change: `nil` says that nothing follows.
    func update(_ change: (inout ChannelMachine, ContinuousClock.Instant) -> ChannelMachine.Effects?) {
        let now = clock.now
        let outside = state.withLock { state -> Outside? in
            guard let effects = change(&state.machine, now) else { return nil }
            return apply(effects, &state, now)
        }
        if let outside { run(outside) }
    }

    /// A connection takes no calls any longer; tells the machine once.
    func lost(_ peer: Int, attempt: Int, with error: TransportError) {
        let now = clock.now
        let outside = state.withLock { state in
            guard state.slots[peer]?.attempt == attempt, state.slots[peer]?.connection != nil else {
                return Outside()
            }
            var outside = Outside()
            release(peer, &state, &outside)
            let effects = state.machine.lost(peer, attempt: attempt, with: error, now: now)
            return apply(effects, &state, now, outside)
        }
        run(outside)
    }

    // MARK: Attempts

    /// One attempt, and the connection that it makes for as long as it is used.
    func attempt(_ start: ChannelMachine.Start) async {
        let (peer, attempt) = (start.peer, start.attempt)
        let connection: any Connection
        do {
            connection = try await connectToPeer(start.endpoint)
        } catch {
            let error = Self.transportError(error, at: start.endpoint)
            return update { $0.failed(peer, attempt: attempt, with: error, now: $1) }
        }
        guard isKept(connection, start) else { return await connection.close(within: .zero) }
        await withDiscardingTaskGroup { group in
            if let health = configuration.health {
                group.addTask {
                    await health.follow(connection) { isServing in
                        self.update { $0.isServing(peer, attempt: attempt, isServing, now: $1) }
                    }
                }
            }
            var end = TransportError(
                .unavailable, "the connection was closed", origin: .library, endpoint: start.endpoint)
            for await state in connection.stateUpdates() {
                if case .draining(let reason) = state {
                    end = TransportError(
                        .unavailable, "the connection is draining: \(reason)", origin: .library,
                        endpoint: start.endpoint)
                    break
                }
                if case .closed(let error) = state, let error { end = error.at(start.endpoint) }
            }
            // Too late, and of no effect, when it was given up from this side.
            lost(peer, attempt: attempt, with: end)
            group.cancelAll()
        }
    }

    private func isKept(_ connection: any Connection, _ start: ChannelMachine.Start) -> Bool {
        let now = clock.now
        let outside = state.withLock { state -> Outside? in
            guard let effects = state.machine.connected(start.peer, attempt: start.attempt, now: now) else {
                return nil
            }
            state.slots[start.peer]?.connection = connection
            return apply(effects, &state, now)
        }
        guard let outside else { return false }
        run(outside)
        return true
    }

    static func transportError(_ error: any Error, at endpoint: Endpoint) -> TransportError {
        if let error = error as? TransportError { return error.endpoint == nil ? error.at(endpoint) : error }
        return TransportError(
            .unavailable, "connecting failed", cause: error, origin: .library, processing: .notProcessed,
            endpoint: endpoint)
    }

    // MARK: The end

    /// Begins no further calls, lets those in flight finish for at most `grace`, and gives everything up.
    func close(within grace: Duration) async {
        let now = clock.now
        let (outside, connections) = state.withLock { state -> (Outside, [any Connection]) in
            var outside = Outside()
            if !state.isClosed {
                state.isClosed = true
                states.update(.draining("the client closes the channel"))
                outside.cancels += [state.resolver, state.timer?.task].compactMap { $0 }
                (state.resolver, state.timer) = (nil, nil)
                outside = apply(state.machine.close(), &state, now, outside)
                outside.drains = []
            }
            return (outside, Array(state.draining.values))
        }
        run(outside)
        await withDiscardingTaskGroup { group in
            for connection in connections { group.addTask { await connection.close(within: grace) } }
        }
        state.withLock { state in
            state.draining = [:]
            states.update(.closed(nil))
        }
    }
}
