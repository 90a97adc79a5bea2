internal import NodeTransport

/// What a channel does about the peers behind its target: whom it connects to, who may get calls, what calls wait for;
/// pure, it knows the time and chance only as they are given to it.
///
/// Each input ends in ``settle(_:)``, which brings the plan in line with what is known.
struct ChannelMachine {
    struct Settings {
        var target: Endpoint
        var backoff = Backoff.reconnecting
        var attemptTimeout = Duration.seconds(20)
        /// For one connection only, how long each attempt has before the next begins; `nil` connects to all peers.
        var attemptDelay: Duration?
        var outliers: OutlierPolicy?
        var asksForHealth = false
        var maximumPeers = 1024
        var maximumAttempts = 64
    }

    struct Peer {
        let id: Int
        var resolved: ResolvedPeer
        var way = SubchannelMachine()
        /// Whether it says that it serves; `nil` before it has said anything.
        var isServing: Bool?

        var priority: Int { resolved.priority }
    }

    /// What a call can do now.
    enum Readiness {
        /// There is a peer for it.
        case ready
        /// There will be, or it will be clear that there is none.
        case connecting
        /// Nobody can be reached.
        case failing(TransportError)
        case closed
    }

    struct Start: Equatable {
        let peer: Int
        let attempt: Int
        let endpoint: Endpoint
    }

    /// What is to be done outside.
    struct Effects {
        var starts: [Start] = []
        /// The peers whose attempt, or connection, is given up; calls in flight over it may finish.
        var releases: [Int] = []
        var events: [ResilienceEvent] = []
        var asksResolver = false
        /// Whether other peers may get calls than before, or with other weights.
        var usableChanged = false
    }

    let settings: Settings
    /// In the order in which they are tried.
    var peers: [Peer] = []
    /// The peers that may get calls now; of one connection at most one.
    var usable: [Int] = []
    var readiness = Readiness.connecting

    var outliers: OutlierMachine?
    private var random: PickRandom
    var isResolved = false
    var resolutionError: TransportError?
    var isClosed = false
    private var nextPeer = 0
    var nextAttempt = 0
    /// When the last attempt of those that take turns began, unless it has failed.
    var lastStart: ContinuousClock.Instant?

    init(settings: Settings, seed: UInt64) {
        self.settings = settings
        random = PickRandom(seed: seed)
        outliers = settings.outliers.map { OutlierMachine(policy: $0) }
    }

    func peer(_ id: Int) -> Peer? { peers.first { $0.id == id } }

    func isEjected(_ id: Int) -> Bool { outliers?.isEjected(id) == true }

    /// When ``passTime(now:)`` is due.
    var nextTimer: ContinuousClock.Instant? {
        var timers = peers.compactMap { $0.way.nextTimer(attemptTimeout: settings.attemptTimeout) }
        if let sweep = outliers?.nextSweep { timers.append(sweep) }
        if let delay = settings.attemptDelay, let lastStart, peers.contains(where: \.way.isIdle), usable.isEmpty {
            timers.append(lastStart.advanced(by: delay))
        }
        return isClosed ? nil : timers.min()
    }

    // MARK: Inputs

    /// The resolver has told which peers there are, or that it does not know.
    mutating func resolved(_ result: Result<[ResolvedPeer], TransportError>, now: ContinuousClock.Instant) -> Effects {
        var effects = Effects()
        guard !isClosed else { return effects }
        switch result {
        case .success(let found): replacePeers(with: found, &effects)
        case .failure(let error):
            resolutionError = error
            effects.events.append(ResilienceEvent(.resolutionFailed, endpoint: settings.target, error: error))
        }
        settle(now: now, &effects)
        return effects
    }

    /// An attempt was successful.
    ///
    /// - Returns: `nil` when it is not wanted any longer.
    mutating func connected(_ id: Int, attempt: Int, now: ContinuousClock.Instant) -> Effects? {
        guard let index = index(id), peers[index].way.connected(attempt: attempt, now: now) else { return nil }
        var effects = Effects()
        peers[index].isServing = settings.asksForHealth ? nil : true
        effects.events.append(ResilienceEvent(.connected, endpoint: peers[index].resolved.endpoint))
        settle(now: now, &effects)
        return effects
    }

    /// An attempt was not successful.
    mutating func failed(_ id: Int, attempt: Int, with error: TransportError, now: ContinuousClock.Instant) -> Effects {
        var effects = Effects()
        fail(id, attempt: attempt, with: error, now: now, &effects)
        settle(now: now, &effects)
        return effects
    }

    /// A connection takes no calls any longer.
    mutating func lost(_ id: Int, attempt: Int, with error: TransportError, now: ContinuousClock.Instant) -> Effects {
        var effects = Effects()
        guard let index = index(id) else { return effects }
        let isNew = peers[index].way.lost(
            attempt: attempt, with: error, now: now, backoff: settings.backoff, chance: random.chance())
        guard isNew else { return effects }
        peers[index].isServing = nil
        effects.events.append(
            ResilienceEvent(.connectionLost, endpoint: peers[index].resolved.endpoint, error: error))
        effects.asksResolver = true
        // Whoever calls back has the first turn at once.
        lastStart = nil
        settle(now: now, &effects)
        return effects
    }

    /// A peer says whether it serves.
    mutating func isServing(_ id: Int, attempt: Int, _ isServing: Bool, now: ContinuousClock.Instant) -> Effects {
        var effects = Effects()
        guard let index = index(id), peers[index].way.isReady, peers[index].way.attempt == attempt else {
            return effects
        }
        peers[index].isServing = isServing
        settle(now: now, &effects)
        return effects
    }

    /// A call to a peer has failed in a way that speaks against it.
    ///
    /// - Returns: `nil` when nothing follows.
    mutating func callFailed(_ id: Int, now: ContinuousClock.Instant) -> Effects? {
        guard let index = index(id), let length = outliers?.failed(id, of: peers.count, now: now) else { return nil }
        var effects = Effects()
        effects.events.append(
            ResilienceEvent(.peerEjected, endpoint: peers[index].resolved.endpoint, detail: "for \(length)"))
        settle(now: now, &effects)
        return effects
    }

    /// A call to a peer has succeeded after others had failed.
    mutating func callSucceeded(_ id: Int) { outliers?.succeeded(id) }

    /// The time is `now`.
    mutating func passTime(now: ContinuousClock.Instant) -> Effects {
        var effects = Effects()
        guard !isClosed else { return effects }
        for index in peers.indices {
            if case .connecting(let since) = peers[index].way.state,
                since.advanced(by: settings.attemptTimeout) <= now
            {
                let (id, attempt) = (peers[index].id, peers[index].way.attempt)
                let error = TransportError(
                    .unavailable, "connecting took longer than \(settings.attemptTimeout)", origin: .library,
                    processing: .notProcessed, endpoint: peers[index].resolved.endpoint)
                effects.releases.append(id)
                fail(id, attempt: attempt, with: error, now: now, &effects)
            }
            _ = peers[index].way.passTime(now: now)
        }
        for id in outliers?.sweep(now: now) ?? [] { tellReturn(of: id, "its time is over", &effects) }
        settle(now: now, &effects)
        return effects
    }

    /// Gives everything up.
    mutating func close() -> Effects {
        var effects = Effects()
        guard !isClosed else { return effects }
        isClosed = true
        for index in peers.indices {
            effects.releases.append(peers[index].id)
            peers[index].way.shutDown()
        }
        effects.usableChanged = true
        (peers, usable, readiness) = ([], [], .closed)
        return effects
    }

    // MARK: Steps

    private func index(_ id: Int) -> Int? { peers.firstIndex { $0.id == id } }

    private mutating func fail(
        _ id: Int, attempt: Int, with error: TransportError, now: ContinuousClock.Instant, _ effects: inout Effects
    ) {
        guard let index = index(id) else { return }
        let isNew = peers[index].way.failed(
            attempt: attempt, with: error, now: now, backoff: settings.backoff, chance: random.chance())
        guard isNew else { return }
        effects.events.append(
            ResilienceEvent(.connectFailed, endpoint: peers[index].resolved.endpoint, error: error))
        effects.asksResolver = true
        lastStart = nil
    }

    private mutating func replacePeers(with found: [ResolvedPeer], _ effects: inout Effects) {
        isResolved = true
        resolutionError = nil
        let found = PeerOrder.arranged(found, limit: settings.maximumPeers)
        let known = Dictionary(peers.map { ($0.resolved.endpoint, $0) }) { first, _ in first }
        let before = peers.map(\.resolved)
        guard found != before else { return }
        peers = found.map { resolved in
            if var peer = known[resolved.endpoint] {
                peer.resolved = resolved
                return peer
            }
            nextPeer += 1
            return Peer(id: nextPeer, resolved: resolved)
        }
        let kept = Set(peers.map(\.id))
        let gone = known.values.filter { !kept.contains($0.id) }.sorted { $0.id < $1.id }
        for peer in gone {
            effects.releases.append(peer.id)
            outliers?.forget(peer.id)
        }
        // Weights may have changed.
        effects.usableChanged = true
        let added = peers.count - (known.count - gone.count)
        effects.events.append(
            ResilienceEvent(
                .peersChanged, endpoint: settings.target,
                detail: "\(peers.count) peers, \(added) more and \(gone.count) fewer than before"))
    }

    mutating func tellReturn(of id: Int, _ reason: String, _ effects: inout Effects) {
        guard let peer = peer(id) else { return }
        effects.events.append(ResilienceEvent(.peerReturned, endpoint: peer.resolved.endpoint, detail: reason))
    }
}
