internal import NodeTransport

/// The way to one peer; pure.
///
/// ```
///            ┌──────────────── time ─────────────────┐
///            ▼                                        │
/// ─────────▶ idle ──start──▶ connecting ──failed──▶ backing off
///            ▲                   │ connected          ▲
///            │                   ▼                    │
///            └──── lost ────── ready ──lost at once───┘
/// ```
///
/// From each state, `shutDown()` leads to the last.
struct SubchannelMachine {
    enum State {
        case idle
        case connecting(since: ContinuousClock.Instant)
        case ready(since: ContinuousClock.Instant)
        case backingOff(until: ContinuousClock.Instant)
        case shutDown
    }

    /// So that no back-off makes the machine spin.
    static let leastDelay = Duration.milliseconds(1)

    private(set) var state = State.idle

    /// What the last attempt failed with; `nil` when there was none since the peer was last reached.
    private(set) var lastError: TransportError?

    /// How many attempts have failed in a row.
    private(set) var failures = 0

    /// How many connections in a row were lost soon after they were made.
    private(set) var losses = 0

    /// Which attempt the state is about; what others tell comes too late.
    private(set) var attempt = 0

    var isIdle: Bool { if case .idle = state { true } else { false } }
    var isConnecting: Bool { if case .connecting = state { true } else { false } }
    var isReady: Bool { if case .ready = state { true } else { false } }

    /// Whether it may become ready without having to fail first: who waits has something to wait for.
    var isPromising: Bool { lastError == nil && (isIdle || isConnecting) }

    /// When the state changes by itself.
    func nextTimer(attemptTimeout: Duration) -> ContinuousClock.Instant? {
        switch state {
        case .connecting(let since): since.advanced(by: attemptTimeout)
        case .backingOff(let until): until
        case .idle, .ready, .shutDown: nil
        }
    }

    /// Begins an attempt, where none is under way.
    ///
    /// - Parameter attempt: A number that is used once.
    mutating func start(attempt: Int, now: ContinuousClock.Instant) -> Bool {
        guard case .idle = state else { return false }
        state = .connecting(since: now)
        self.attempt = attempt
        return true
    }

    /// The attempt was successful.
    mutating func connected(attempt: Int, now: ContinuousClock.Instant) -> Bool {
        guard case .connecting = state, attempt == self.attempt else { return false }
        state = .ready(since: now)
        (lastError, failures) = (nil, 0)
        return true
    }

    /// The attempt was not successful.
    mutating func failed(
        attempt: Int, with error: TransportError, now: ContinuousClock.Instant, backoff: Backoff, chance: Double
    ) -> Bool {
        guard case .connecting(let since) = state, attempt == self.attempt else { return false }
        failures = min(failures + 1, 1000)
        lastError = error
        // From when it began, so that what an attempt takes counts towards the delay.
        let delay = max(backoff.delay(beforeRetry: failures, chance: chance), Self.leastDelay)
        let until = since.advanced(by: delay)
        state = until > now ? .backingOff(until: until) : .idle
        return true
    }

    /// The connection takes no calls any longer.
    ///
    /// One that had lasted is replaced at once, as is the first that had not; peers that go on hanging up are called
    /// back with delays.
    mutating func lost(
        attempt: Int, with error: TransportError, now: ContinuousClock.Instant, backoff: Backoff, chance: Double
    ) -> Bool {
        guard case .ready(let since) = state, attempt == self.attempt else { return false }
        state = .idle
        if since.advanced(by: backoff.delay(beforeRetry: losses + 1, chance: chance)) <= now {
            losses = 0
            return true
        }
        losses = min(losses + 1, 1000)
        if losses > 1 {
            lastError = error
            let delay = max(backoff.delay(beforeRetry: losses - 1, chance: chance), Self.leastDelay)
            let until = since.advanced(by: delay)
            if until > now { state = .backingOff(until: until) }
        }
        return true
    }

    /// The time is `now`.
    ///
    /// - Returns: Whether the state has changed.
    mutating func passTime(now: ContinuousClock.Instant) -> Bool {
        guard case .backingOff(let until) = state, until <= now else { return false }
        state = .idle
        return true
    }

    /// The peer is not wanted for now: what is under way or was made is given up.
    mutating func release() {
        switch state {
        case .connecting, .ready: state = .idle
        case .idle, .backingOff, .shutDown: break
        }
    }

    mutating func shutDown() { state = .shutDown }
}
