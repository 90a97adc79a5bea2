internal import NodeTransport

/// Who won the race to which peer, and when the loser is tried again. Pure.
struct RaceMemory {
    /// Something that somebody may want to know.
    enum Change: Equatable {
        case won(RacedWire)
        /// The first wire did not answer and the second did.
        case blocked(nextProbe: Duration)
        case unblocked
    }

    private struct Entry {
        var winner: RacedWire
        /// Whether the first wire got no answer when the second did.
        var isBlocked = false
        /// Trials of the first wire since the second won.
        var probeCount = 0
        /// When the first wire is tried again; `nil` while it is the winner, or is being tried.
        var nextProbe: ContinuousClock.Instant?
        var lastUse = 0
    }

    private let configuration: RacingConfiguration
    private var entries: [Endpoint: Entry] = [:]
    private var useCount = 0

    init(_ configuration: RacingConfiguration) { self.configuration = configuration }

    var count: Int { entries.count }

    /// Who begins the race to `endpoint`.
    mutating func leader(for endpoint: Endpoint) -> RacedWire {
        useCount += 1
        entries[endpoint]?.lastUse = useCount
        return entries[endpoint]?.winner ?? .first
    }

    /// A race is over.
    ///
    /// - Parameters:
    ///   - wire: The winner.
    ///   - race: As it stood then.
    ///   - chance: A random number within 0..<1.
    mutating func won(
        _ endpoint: Endpoint, _ wire: RacedWire, _ race: RaceMachine, now: ContinuousClock.Instant, chance: Double
    ) -> [Change] {
        let before = entries[endpoint]
        if wire == .first { return firstWorks(endpoint, before) }
        // The first wire, where it led and has neither answered nor failed, got no answer.
        var isUnanswered = false
        if race.leader == .first, case .underWay = race.first { isUnanswered = true }
        guard before?.winner != .second else {
            // Others have found the same meanwhile; only "no answer" is news.
            guard isUnanswered, before?.isBlocked == false else { return [] }
            entries[endpoint]?.isBlocked = true
            return [.blocked(nextProbe: before?.nextProbe.map { now.duration(to: $0) } ?? .zero)]
        }
        let delay = configuration.probeBackoff.delay(beforeRetry: 1, chance: chance)
        useCount += 1
        entries[endpoint] = Entry(
            winner: .second, isBlocked: isUnanswered, probeCount: 0, nextProbe: now.advanced(by: delay),
            lastUse: useCount)
        makeRoom()
        return [.won(.second)] + (isUnanswered ? [.blocked(nextProbe: delay)] : [])
    }

    private mutating func firstWorks(_ endpoint: Endpoint, _ before: Entry?) -> [Change] {
        useCount += 1
        entries[endpoint] = Entry(winner: .first, lastUse: useCount)
        makeRoom()
        guard let before else { return [.won(.first)] }
        guard before.winner == .second else { return [] }
        return [.won(.first)] + (before.isBlocked ? [.unblocked] : [])
    }

    /// When the next trial of a first wire is due.
    var nextProbe: ContinuousClock.Instant? { entries.values.lazy.compactMap(\.nextProbe).min() }

    /// Takes a peer whose first wire is to be tried now.
    mutating func takeProbe(now: ContinuousClock.Instant) -> Endpoint? {
        let due = entries.first { entry in entry.value.nextProbe.map { $0 <= now } ?? false }
        guard let endpoint = due?.key else { return nil }
        entries[endpoint]?.nextProbe = nil
        return endpoint
    }

    /// A trial is over.
    mutating func probed(
        _ endpoint: Endpoint, works: Bool, now: ContinuousClock.Instant, chance: Double
    ) -> [Change] {
        // Forgotten, or won by a race meanwhile.
        guard let entry = entries[endpoint], entry.winner == .second else { return [] }
        if works { return firstWorks(endpoint, entry) }
        let count = min(entry.probeCount + 1, 1_000)
        entries[endpoint]?.probeCount = count
        entries[endpoint]?.nextProbe = now.advanced(
            by: configuration.probeBackoff.delay(beforeRetry: count + 1, chance: chance))
        return []
    }

    /// Forgets one peer, or all.
    mutating func forget(_ endpoint: Endpoint?) {
        if let endpoint { entries[endpoint] = nil } else { entries = [:] }
    }

    private mutating func makeRoom() {
        guard entries.count > configuration.maximumPeers else { return }
        // A tenth at once, so that the search for the oldest is rare.
        let surplus = entries.count - configuration.maximumPeers + configuration.maximumPeers / 10
        for (endpoint, _) in entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }).prefix(surplus) {
            entries[endpoint] = nil
        }
    }
}
