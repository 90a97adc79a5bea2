public import NodeTransport
internal import Synchronization

/// How many retries may be made in proportion to calls, so that retries do not finish off a peer that is overloaded.
///
/// Each call earns a fraction of a retry, each retry and each hedged copy costs a whole one, as in Finagle's retry
/// budgets; a small floor per period keeps a client with few calls from having none. gRPC's throttling (gRFC A6) goes by
/// failures instead and bounds no ratio, so it is not what is done here.
///
/// A peer that dies takes all calls with it that are in flight there, and each of them wants one retry at the same time,
/// however few calls there were before. So calls in flight may overdraw the budget by one retry each. What follows pays
/// for it: until it is paid, there is the floor. Over any time, then:
///
///     retries ≤ ratio × calls + floor × (1 + time / period) + the most calls that were in flight at one time
public final class RetryBudget: Sendable {
    /// What a budget allows. Every combination of values is valid: the initializer brings each into its range.
    public struct Limits: Sendable, Hashable {
        /// Retries for each call.
        public let ratio: Double
        /// Retries that need no calls, in each period.
        public let floor: Int
        /// The period of ``floor``.
        public let period: Duration
        /// How many earned retries are kept for later.
        public let maximum: Int
        /// The most retries that calls in flight may have before they are earned; each call in flight stands for one.
        public let overdraft: Int

        /// - Parameters:
        ///   - ratio: 0...1.
        ///   - floor: 0...1,000.
        ///   - period: 1 ms to a day.
        ///   - maximum: 1...1,000,000.
        ///   - overdraft: 0...1,000,000; 0 for none.
        public init(
            ratio: Double = 0.2, floor: Int = 3, period: Duration = .seconds(10), maximum: Int = 100,
            overdraft: Int = 1_000
        ) {
            // Also what "not a number" becomes.
            self.ratio = ratio >= 0 ? min(ratio, 1) : 0
            self.floor = min(max(floor, 0), 1_000)
            self.period = min(max(period, .milliseconds(1)), .seconds(86_400))
            self.maximum = min(max(maximum, 1), 1_000_000)
            self.overdraft = min(max(overdraft, 0), 1_000_000)
        }
    }

    private let machine: Mutex<RetryBudgetMachine>
    /// Spares the calls of a healthy peer the lock.
    private let isFull = Atomic(false)
    private let inFlight = Atomic(0)

    public init(_ limits: Limits = Limits()) { machine = Mutex(RetryBudgetMachine(limits)) }

    /// The whole retries that calls have earned, less than zero while it is overdrawn; the floor comes on top.
    public var earnedRetries: Int { machine.withLock { $0.earnedRetries } }

    /// The calls that have begun and not ended.
    public var callsInFlight: Int { inFlight.load(ordering: .relaxed) }

    /// A call has begun: its first attempt, not its retries. Each needs its ``callEnded()``.
    public func callBegan() {
        inFlight.add(1, ordering: .relaxed)
        guard !isFull.load(ordering: .relaxed) else { return }
        machine.withLock { machine in
            machine.callBegan()
            if machine.isFull { isFull.store(true, ordering: .relaxed) }
        }
    }

    /// A call that has begun is over, with all its retries.
    public func callEnded() { inFlight.subtract(1, ordering: .relaxed) }

    /// Takes one retry out of the budget; false when there is none, and then there must be no retry.
    public func withdraw(now: ContinuousClock.Instant = .now) -> Bool {
        machine.withLock { machine in
            guard machine.withdraw(now: now, callsInFlight: callsInFlight) else { return false }
            if !machine.isFull { isFull.store(false, ordering: .relaxed) }
            return true
        }
    }
}

/// One ``RetryBudget`` for each peer or target, shared by all connections to it.
///
/// It keeps at most `maximumEndpoints` budgets, and forgets the one that was connected to the longest time ago.
public final class RetryBudgets: Sendable {
    private let table: EndpointTable<RetryBudget>

    /// - Parameters:
    ///   - limits: What each budget allows.
    ///   - maximumEndpoints: At least 1.
    public init(_ limits: RetryBudget.Limits = RetryBudget.Limits(), maximumEndpoints: Int = 1_024) {
        table = EndpointTable(limit: maximumEndpoints) { _ in RetryBudget(limits) }
    }

    /// The budget of what was connected to as `endpoint`.
    public func budget(for endpoint: Endpoint) -> RetryBudget { table.value(for: endpoint) }
}
