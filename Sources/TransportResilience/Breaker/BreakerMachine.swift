internal import NodeTransport

/// Decides whether calls may go to one peer; pure.
///
/// ```
/// closed ──too many failures──▶ open ──its time is over, the next call is the probe──▶ half-open
///    ▲                            ▲──────────────────probe fails or is overdue──────────────│
///    └────────────────────────────────────probe ends well───────────────────────────────────┘
/// ```
struct BreakerMachine {
    /// What an admitted call gives back when it ends; outdated once the state has changed.
    struct Ticket: Sendable, Equatable {
        let epoch: UInt64
        let isProbe: Bool
    }

    enum Admission: Equatable {
        case admitted(Ticket)
        /// For how much longer at least.
        case refused(remaining: Duration)
    }

    enum Change: Equatable {
        case opened(for: Duration, String)
        case halfOpened
        case closed
    }

    private enum State {
        case closed
        case open(until: ContinuousClock.Instant)
        /// With the time when the probe counts as failed; `nil` while the next call is to be the probe.
        case halfOpen(probeEnd: ContinuousClock.Instant?)
    }

    private let policy: BreakerPolicy
    private var state = State.closed
    /// Since it was closed. Beside the state, so that it is changed in place.
    private var window: OutcomeWindow
    private var failuresInARow = 0
    /// Counts the states, and the probes within one; from 1.
    private(set) var epoch: UInt64 = 1
    /// The openings in a row.
    private var openings = 0
    /// Until when a further opening is in a row with the last.
    private var openingsInARowUntil: ContinuousClock.Instant?

    init(_ policy: BreakerPolicy, now: ContinuousClock.Instant) {
        self.policy = policy
        window = OutcomeWindow(policy.window, now: now)
    }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    var publicState: CircuitBreaker.State {
        switch state {
        case .closed: .closed
        case .open(let until): .open(until: until)
        case .halfOpen: .halfOpen
        }
    }

    /// A call wants to begin.
    mutating func admit(now: ContinuousClock.Instant) -> (Admission, Change?) {
        switch state {
        case .closed: return (.admitted(Ticket(epoch: epoch, isProbe: false)), nil)
        case .open(let until):
            guard now >= until else { return (.refused(remaining: now.duration(to: until)), nil) }
            return (.admitted(beginProbe(now)), .halfOpened)
        case .halfOpen(nil): return (.admitted(beginProbe(now)), nil)
        case .halfOpen(let probeEnd?):
            if now < probeEnd { return (.refused(remaining: now.duration(to: probeEnd)), nil) }
            let change = open("the probe has not ended within \(policy.openDuration.asWait)", now)
            return (.refused(remaining: openTime), change)
        }
    }

    /// A call that was admitted has ended.
    mutating func ended(_ ticket: Ticket, _ verdict: BreakerVerdict, now: ContinuousClock.Instant) -> Change? {
        guard ticket.epoch == epoch else { return nil }
        switch (state, verdict) {
        case (.closed, .neither), (.open, _): return nil
        case (.closed, .success):
            failuresInARow = 0
            window.add(isFailure: false, now: now)
            return nil
        case (.closed, .failure):
            failuresInARow += 1
            window.add(isFailure: true, now: now)
            if failuresInARow >= policy.consecutiveFailures { return open("\(failuresInARow) failures in a row", now) }
            let (failures, calls) = (window.failures, window.calls)
            if calls >= policy.minimumCalls, Double(failures) >= policy.failureRatio * Double(calls) {
                return open("\(failures) of \(calls) calls failed within \(policy.window.asWait)", now)
            }
            return nil
        case (.halfOpen, .success):
            state = .closed
            window = OutcomeWindow(policy.window, now: now)
            failuresInARow = 0
            epoch += 1
            openingsInARowUntil = now.advanced(by: openTime)
            return .closed
        case (.halfOpen, .failure): return open("the probe failed", now)
        case (.halfOpen, .neither):
            state = .halfOpen(probeEnd: nil)
            epoch += 1
            return nil
        }
    }

    private mutating func beginProbe(_ now: ContinuousClock.Instant) -> Ticket {
        state = .halfOpen(probeEnd: now.advanced(by: policy.openDuration))
        epoch += 1
        return Ticket(epoch: epoch, isProbe: true)
    }

    private mutating func open(_ reason: String, _ now: ContinuousClock.Instant) -> Change {
        if isClosed, openingsInARowUntil.map({ now >= $0 }) ?? true { openings = 0 }
        // Far more than any maximum needs.
        openings = min(openings + 1, 100_000)
        state = .open(until: now.advanced(by: openTime))
        epoch += 1
        return .opened(for: openTime, reason)
    }

    /// For how long it is open with so many openings in a row.
    private var openTime: Duration { min(policy.openDuration * openings, policy.maximumOpenDuration) }
}

extension Duration {
    /// For people: `30 s`, or `400 ms` below one second; rounded up, for a wait that is over sooner disappoints nobody.
    var asWait: String {
        self >= .seconds(1)
            ? "\(Int((self / .seconds(1)).rounded(.up))) s" : "\(Int((self / .milliseconds(1)).rounded(.up))) ms"
    }
}
