internal import NodeTransport
internal import Synchronization

/// The memory of a ``RacingTransport``, and the task that tries losers again; it is there while there are any.
final class RaceProbes: Sendable {
    private struct Storage {
        var memory: RaceMemory
        var isOpen = true
        var task: Task<Void, Never>?
    }

    private let configuration: RacingConfiguration
    private let clock: AnyContinuousClock
    private let observer: ResilienceObserver?
    /// Connects by the first wire.
    private let probe: @Sendable (Endpoint) async throws -> any Connection
    private let headStart: Duration
    private let changes = ResolutionRequests()
    private let storage: Mutex<Storage>

    init(
        _ configuration: RacingConfiguration, headStart: Duration, clock: AnyContinuousClock,
        observer: ResilienceObserver?, probe: @escaping @Sendable (Endpoint) async throws -> any Connection
    ) {
        self.configuration = configuration
        self.headStart = headStart
        self.clock = clock
        self.observer = observer
        self.probe = probe
        storage = Mutex(Storage(memory: RaceMemory(configuration)))
    }

    var isOpen: Bool { storage.withLock { $0.isOpen } }

    func leader(for endpoint: Endpoint) -> RacedWire { storage.withLock { $0.memory.leader(for: endpoint) } }

    func won(_ endpoint: Endpoint, _ endpoints: RacedEndpoints, _ wire: RacedWire, _ race: RaceMachine) {
        update(endpoint, endpoints, race) {
            $0.won(endpoint, wire, race, now: self.clock.now, chance: .random(in: 0..<1))
        }
    }

    func forget(_ endpoint: Endpoint?) {
        storage.withLock { $0.memory.forget(endpoint) }
        changes.request()
    }

    /// Ends the task and waits for its end; no other begins.
    func shutdown() async { await stop()?.value }

    /// Ends the task.
    @discardableResult
    func stop() -> Task<Void, Never>? {
        let task = storage.withLock { storage in
            storage.isOpen = false
            return storage.task
        }
        task?.cancel()
        return task
    }

    private func update(
        _ endpoint: Endpoint, _ endpoints: RacedEndpoints?, _ race: RaceMachine?,
        _ body: (inout RaceMemory) -> [RaceMemory.Change]
    ) {
        let changes = storage.withLock { storage in
            let changes = body(&storage.memory)
            if storage.isOpen, storage.task == nil, storage.memory.nextProbe != nil {
                // Detached, for it outlives the call and is not to inherit its deadline. Ends when there is nothing to
                // try, or by `stop()`.
                storage.task = Task.detached { await self.run() }
            }
            return changes
        }
        if !changes.isEmpty { self.changes.request() }
        for change in changes { observer?(event(change, endpoint, endpoints, race)) }
    }

    private func run() async {
        while true {
            let (next, due) = storage.withLock { storage -> (ContinuousClock.Instant?, Endpoint?) in
                let due = storage.memory.takeProbe(now: clock.now)
                let next = storage.memory.nextProbe
                // Under the lock: who adds something to try afterwards begins another task.
                if due == nil, next == nil { storage.task = nil }
                return (next, due)
            }
            if let due {
                let works: Bool
                switch await trial(of: due) {
                case .works: works = true
                case .silent: works = false
                case .failed(let error):
                    works = false
                    // Nobody else would hear of it.
                    if error.code == .unauthenticated {
                        observer?(
                            ResilienceEvent(
                                .connectFailed, endpoint: due, detail: "the wire that is not in use was refused",
                                error: error))
                    }
                }
                guard !Task.isCancelled else { return }
                update(due, nil, nil) { $0.probed(due, works: works, now: self.clock.now, chance: .random(in: 0..<1)) }
            } else {
                guard let next, (try? await changes.next(until: next, clock: clock)) != nil else { return }
            }
        }
    }

    private enum Trial {
        case works
        case failed(TransportError)
        case silent
    }

    /// Whether the first wire reaches the peer in time.
    private func trial(of endpoint: Endpoint) async -> Trial {
        await withTaskGroup(of: Trial.self) { group in
            group.addTask {
                do {
                    let connection = try await self.probe(endpoint)
                    await connection.close(within: .zero)
                    return .works
                } catch {
                    return (error as? TransportError).map { .failed($0) } ?? .silent
                }
            }
            group.addTask {
                try? await self.clock.sleep(for: self.configuration.probeTimeout)
                return .silent
            }
            var trial: Trial?
            for await outcome in group {
                // A connection that was ready in the last moment counts as well.
                if case .works = outcome { trial = outcome }
                trial = trial ?? outcome
                group.cancelAll()
            }
            return trial ?? .silent
        }
    }

    private func event(
        _ change: RaceMemory.Change, _ endpoint: Endpoint, _ endpoints: RacedEndpoints?, _ race: RaceMachine?
    ) -> ResilienceEvent {
        switch change {
        case .won(let wire):
            let winner = endpoints.map { "\(wire == .first ? $0.first : $0.second)" } ?? "the first wire"
            guard wire == .second, let race, case .failed(let error) = race.first else {
                return ResilienceEvent(.raceWon, endpoint: endpoint, detail: "\(winner) is used from now on")
            }
            return ResilienceEvent(
                .raceWon, endpoint: endpoint, detail: "\(winner) is used from now on, for the other wire failed",
                error: error)
        case .blocked(let nextProbe):
            let names = endpoints.map { ("\($0.first)", "\($0.second)") } ?? ("the first wire", "the second")
            return ResilienceEvent(
                .udpBlocked, endpoint: endpoint,
                detail:
                    "\(names.0) did not answer within \(Self.text(headStart)) and \(names.1) did: something on the way seems to "
                    + "drop UDP; \(names.0) is tried again in \(Self.text(nextProbe))")
        case .unblocked:
            return ResilienceEvent(
                .udpUnblocked, endpoint: endpoint, detail: "UDP passes again and is used from now on")
        }
    }

    /// For people: `250 ms`, `300 s`.
    private static func text(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds < 10 ? "\(Int((seconds * 1_000).rounded())) ms" : "\(Int(seconds.rounded())) s"
    }
}
