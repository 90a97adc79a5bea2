internal import NodeTransport

/// Decides which calls begin, wait or are refused; pure: the time and chance come in, `Waiter`s go out.
///
/// ```
///             ┌── begin ──────────────────────▶ running ──▶ finished
/// arrives ────┼── wait ──▶ waiting ── a place ──▶ ┘
///             │               └── too long, deadline, cancelled ──▶ out
///             └── refuse
/// ```
///
/// A call is counted for its address, its identity and the total from the moment it begins or waits. A refused call
/// uses up nothing of any limit.
struct AdmissionMachine<Waiter> {
    enum Decision {
        case begin(Permit)
        /// It has to wait; with a ticket when it does, without when no waiter was given.
        case wait(SlotTicket?)
        case refuse(Refusal)
    }

    /// What follows for calls that waited.
    struct Effects {
        var begun: [(waiter: Waiter, permit: Permit)] = []
        var refused: [(waiter: Waiter, call: ArrivingCall, refusal: Refusal)] = []
        /// Another number of places.
        var newLimit: Int?
    }

    private struct WaitingCall {
        let waiter: Waiter
        let call: ArrivingCall
        let arrived: ContinuousClock.Instant
        let counts: Counts
    }

    typealias Permit = AdmissionPermit
    private typealias Counts = AdmissionPermit.Counts

    private let queueLimit: QueueLimit
    private let maximumStreams: Int
    private let maximumCalls: Int
    private let retryAfter: ClosedRange<Duration>
    private let totalRate: RateBucket.Rate?

    private var limit: AdaptiveLimit
    private var times: ServiceTimes
    private var totalBucket = RateBucket()
    private var addresses: AdmissionTable<AddressKey>
    private var identities: AdmissionTable<IdentityCountKey>
    private var queue: LinkedSlots<WaitingCall>
    /// Since when somebody has been waiting without a break.
    private var busySince: ContinuousClock.Instant?

    /// The places that are taken.
    private(set) var unitsInUse = 0
    private(set) var streamCount = 0
    /// Calls that run or wait.
    private(set) var callCount = 0

    init(_ limits: ServerLimits, now: ContinuousClock.Instant) {
        queueLimit = limits.queue
        maximumStreams = min(max(limits.maximumStreams, 0), 1_000_000)
        maximumCalls = max(limits.total.maximumCalls ?? .max, 0)
        retryAfter =
            max(
                limits.retryAfter.lowerBound, .milliseconds(1))...max(
                limits.retryAfter.upperBound, .milliseconds(1))
        totalRate = limits.total.rate.map(RateBucket.Rate.init)
        limit = AdaptiveLimit(limits.concurrency, now: now)
        times = ServiceTimes()
        let callBound = limits.concurrency.highest + limits.queue.length + maximumStreams + 1
        let capacity = callBound + min(max(limits.rememberedPeers, 0), 10_000_000)
        addresses = AdmissionTable(limits.perAddress, capacity: capacity)
        identities = AdmissionTable(limits.perIdentity, capacity: capacity)
        queue = LinkedSlots(capacity: limits.queue.length)
    }

    var currentLimit: Int { limit.current }
    var waitingCount: Int { queue.count }
    var knownPeerCount: Int { addresses.count + identities.count }
    /// How many places of the queue have memory.
    var allocatedQueueCount: Int { queue.allocatedCount }

    // MARK: Arriving

    /// A call arrives.
    ///
    /// - Parameters:
    ///   - waiter: Who waits if it has to; without one nothing changes then.
    ///   - chance: A random number within 0..<1.
    mutating func arrive(
        _ call: ArrivingCall, waiter: Waiter? = nil, now: ContinuousClock.Instant, chance: Double
    ) -> Decision {
        if let deadline = call.deadline, deadline <= now { return .refuse(.tooLate) }
        if let refusal = admissionRefusal(of: call, now: now, chance: chance) { return .refuse(refusal) }
        if call.isStream {
            guard streamCount < maximumStreams else {
                return .refuse(refusal(.streams, retryAfter.lowerBound, chance))
            }
            return .begin(begin(call, counts: enter(call, now: now), now: now))
        }
        if queue.count == 0, hasRoom(for: call) { return .begin(begin(call, counts: enter(call, now: now), now: now)) }
        guard queue.count < queueLimit.length else {
            let limit: ServerLimit = queueLimit.length == 0 ? .concurrency : .queueLength
            return .refuse(refusal(limit, estimatedWait(behind: callCount - streamCount), chance))
        }
        if let deadline = call.deadline {
            // Who comes last is served first by an overloaded server.
            let wait = estimatedWait(behind: isOverloaded(now) ? 0 : queue.count)
            if now.advanced(by: wait + times.expected(call.method)) > deadline {
                return .refuse(shed(call, chance))
            }
        }
        guard let waiter else { return .wait(nil) }
        let counts = enter(call, now: now)
        guard let ticket = queue.insert(WaitingCall(waiter: waiter, call: call, arrived: now, counts: counts)) else {
            leave(counts)
            return .refuse(refusal(.queueLength, estimatedWait(behind: callCount - streamCount), chance))
        }
        queue.link(ticket)
        if busySince == nil { busySince = now }
        return .wait(ticket)
    }

    private func admissionRefusal(of call: ArrivingCall, now: ContinuousClock.Instant, chance: Double) -> Refusal? {
        if let key = call.address, let refused = addresses.refusal(of: key, weight: call.weight, now: now) {
            return refusal(refused, rate: .addressRate, calls: .addressCalls, chance)
        }
        if let key = call.identity, let refused = identities.refusal(of: key, weight: call.weight, now: now) {
            return refusal(refused, rate: .identityRate, calls: .identityCalls, chance)
        }
        if let totalRate, let wait = totalBucket.wait(for: call.weight, of: totalRate, now: now) {
            return refusal(.totalRate, wait, chance)
        }
        return callCount < maximumCalls ? nil : refusal(.totalCalls, retryAfter.lowerBound, chance)
    }

    private func hasRoom(for call: ArrivingCall) -> Bool {
        // A call that weighs more than the limit runs alone.
        unitsInUse == 0 || unitsInUse + call.weight <= limit.current
    }

    private mutating func enter(_ call: ArrivingCall, now: ContinuousClock.Instant) -> Counts {
        callCount += 1
        if let totalRate { totalBucket.take(call.weight, of: totalRate, now: now) }
        return Counts(
            address: call.address.flatMap { addresses.enter($0, weight: call.weight, now: now) },
            identity: call.identity.flatMap { identities.enter($0, weight: call.weight, now: now) })
    }

    private mutating func leave(_ counts: Counts) {
        callCount -= 1
        if let ticket = counts.address { addresses.leave(ticket) }
        if let ticket = counts.identity { identities.leave(ticket) }
    }

    private mutating func begin(_ call: ArrivingCall, counts: Counts, now: ContinuousClock.Instant) -> Permit {
        if call.isStream { streamCount += 1 } else { unitsInUse += call.weight }
        return Permit(call: call, began: now, counts: counts)
    }

    // MARK: Ending

    /// A call that had begun is over.
    mutating func finish(
        _ permit: Permit, _ outcome: CallSample.Outcome, now: ContinuousClock.Instant, chance: Double
    ) -> Effects {
        leave(permit.counts)
        guard !permit.call.isStream else {
            streamCount -= 1
            return Effects()
        }
        var effects = Effects()
        let sample = CallSample(began: permit.began, ended: now, outcome: outcome, inUse: unitsInUse)
        unitsInUse -= permit.call.weight
        if outcome == .succeeded { times.took(sample.latency, permit.call.method) }
        let before = limit.current
        limit.take(sample, chance: chance)
        if limit.current != before { effects.newLimit = limit.current }
        if queue.count > 0 { serveWaiting(&effects, now: now, chance: chance) }
        return effects
    }

    /// A call that waits was cancelled; `nil` when it does not wait any more.
    mutating func cancel(_ ticket: SlotTicket) -> Waiter? {
        guard let waiting = queue.remove(ticket) else { return nil }
        leave(waiting.counts)
        noteQueue()
        return waiting.waiter
    }

    /// Time has passed: refuses whoever has waited for too long.
    mutating func expire(now: ContinuousClock.Instant, chance: Double) -> Effects {
        var effects = Effects()
        serveWaiting(&effects, now: now, chance: chance)
        return effects
    }

    /// When ``expire(now:chance:)`` has something to do; `nil` when nobody waits.
    func nextExpiry(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard let first = queue.first.flatMap({ queue[$0] }) else { return nil }
        if isOverloaded(now) { return first.arrived.advanced(by: overloadedWait) }
        let longest = first.arrived.advanced(by: queueLimit.longestWait)
        guard let busySince else { return longest }
        let overloaded = max(
            first.arrived.advanced(by: overloadedWait), busySince.advanced(by: queueLimit.patience))
        return min(longest, overloaded)
    }

    // MARK: Waiting

    private func isOverloaded(_ now: ContinuousClock.Instant) -> Bool {
        busySince.map { $0.duration(to: now) >= queueLimit.patience } ?? false
    }

    /// A server with few and slow places could not serve anybody within a short wait.
    private var overloadedWait: Duration {
        min(max(queueLimit.overloadedWait, times.mean), queueLimit.longestWait)
    }

    private mutating func serveWaiting(_ effects: inout Effects, now: ContinuousClock.Instant, chance: Double) {
        let isOverloaded = isOverloaded(now)
        let longest = isOverloaded ? overloadedWait : queueLimit.longestWait
        while let ticket = queue.first, let waiting = queue[ticket], waiting.arrived.advanced(by: longest) <= now {
            refuse(ticket, refusal(.queueWait, estimatedWait(behind: queue.count), chance), &effects)
        }
        while let ticket = isOverloaded ? queue.last : queue.first, let waiting = queue[ticket] {
            let call = waiting.call
            if let deadline = call.deadline, now.advanced(by: times.expected(call.method)) > deadline {
                refuse(ticket, deadline <= now ? .tooLate : shed(call, chance), &effects)
                continue
            }
            guard hasRoom(for: call), queue.remove(ticket) != nil else { break }
            effects.begun.append((waiting.waiter, begin(call, counts: waiting.counts, now: now)))
        }
        noteQueue()
    }

    private mutating func refuse(_ ticket: SlotTicket, _ refusal: Refusal, _ effects: inout Effects) {
        guard let waiting = queue.remove(ticket) else { return }
        leave(waiting.counts)
        effects.refused.append((waiting.waiter, waiting.call, refusal))
    }

    private mutating func noteQueue() {
        if queue.count == 0 { busySince = nil }
    }

    // MARK: Estimates

    /// How long `count` calls take until a place is free for the next.
    private func estimatedWait(behind count: Int) -> Duration {
        times.mean * (Double(count + 1) / Double(max(limit.current, 1)))
    }

    /// Each call that is turned away for what its method is expected to take lowers the expectation: without calls
    /// that run it would never be corrected.
    private mutating func shed(_ call: ArrivingCall, _ chance: Double) -> Refusal {
        times.doubt(call.method)
        return refusal(.deadline, estimatedWait(behind: queue.count), chance)
    }

    private func refusal(_ limit: ServerLimit, _ wait: Duration, _ chance: Double) -> Refusal {
        let base = min(max(wait, retryAfter.lowerBound), retryAfter.upperBound)
        return Refusal(limit: limit, retryAfter: base * (1 + chance))
    }

    private func refusal<Key>(
        _ refusal: AdmissionTable<Key>.Refusal, rate: ServerLimit, calls: ServerLimit, _ chance: Double
    ) -> Refusal {
        switch refusal {
        case .rate(let wait): self.refusal(rate, wait, chance)
        case .calls: self.refusal(calls, retryAfter.lowerBound, chance)
        }
    }
}
