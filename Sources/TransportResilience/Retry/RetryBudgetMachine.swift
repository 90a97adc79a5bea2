/// How many retries there may be; pure.
///
/// Three sources, in this order: what calls have earned; a floor that fills by itself and keeps a quiet client from having
/// none; and what calls in flight may have before it is earned, one retry each.
/// In any span of time there are at most `ratio × calls + floor × (1 + span / period)` retries, those earned before it,
/// and once the most calls that were in flight in it.
struct RetryBudgetMachine {
    /// Sums of fractions would drift; these are millionths of a retry.
    private static let unit = 1_000_000

    private let earnedPerCall: Int
    private let maximumEarned: Int
    private let maximumOverdraft: Int
    private let floor: Int
    private let period: Duration

    /// Less than zero while it is overdrawn.
    private var earned = 0
    /// When the floor will be whole again (the virtual scheduling algorithm of ITU-T I.371).
    private var floorIsWholeAt: ContinuousClock.Instant?

    init(_ limits: RetryBudget.Limits) {
        earnedPerCall = Int(limits.ratio * Double(Self.unit))
        maximumEarned = limits.maximum * Self.unit
        maximumOverdraft = limits.overdraft
        floor = limits.floor
        period = limits.period
    }

    /// Whether further calls earn nothing.
    var isFull: Bool { earned >= maximumEarned || earnedPerCall == 0 }

    /// The whole retries that calls have earned, less than zero while it is overdrawn.
    var earnedRetries: Int {
        // Rounded down on either side of zero.
        (earned >= 0 ? earned : earned - Self.unit + 1) / Self.unit
    }

    /// A call has begun.
    mutating func callBegan() { earned = min(earned + earnedPerCall, maximumEarned) }

    /// Takes one retry; false when there is none.
    mutating func withdraw(now: ContinuousClock.Instant, callsInFlight: Int) -> Bool {
        if earned >= Self.unit {
            earned -= Self.unit
            return true
        }
        if takeFloor(now) { return true }
        let overdraft = min(max(callsInFlight, 0), maximumOverdraft) * Self.unit
        guard earned - Self.unit >= -overdraft else { return false }
        earned -= Self.unit
        return true
    }

    private mutating func takeFloor(_ now: ContinuousClock.Instant) -> Bool {
        guard floor > 0 else { return false }
        let wholeAt = max(floorIsWholeAt ?? now, now).advanced(by: period / floor)
        guard now.duration(to: wholeAt) <= period else { return false }
        floorIsWholeAt = wholeAt
        return true
    }
}
