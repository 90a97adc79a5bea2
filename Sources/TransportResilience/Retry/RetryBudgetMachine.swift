/// How many retries there may be; pure.
///
/// Two sources: what calls have earned, and a floor that fills by itself and keeps a quiet client from having none.
/// In any span of time there are at most `ratio × calls + floor × (1 + span / period)` retries, and those earned
/// before it.
struct RetryBudgetMachine {
    /// Sums of fractions would drift; these are millionths of a retry.
    private static let unit = 1_000_000

    private let earnedPerCall: Int
    private let maximumEarned: Int
    private let floor: Int
    private let period: Duration

    private var earned = 0
    /// When the floor will be whole again (the virtual scheduling algorithm of ITU-T I.371).
    private var floorIsWholeAt: ContinuousClock.Instant?

    init(_ limits: RetryBudget.Limits) {
        earnedPerCall = Int(limits.ratio * Double(Self.unit))
        maximumEarned = limits.maximum * Self.unit
        floor = limits.floor
        period = limits.period
    }

    /// Whether further calls earn nothing.
    var isFull: Bool { earned >= maximumEarned || earnedPerCall == 0 }

    /// The whole retries that calls have earned.
    var earnedRetries: Int { earned / Self.unit }

    /// A call has begun.
    mutating func callBegan() { earned = min(earned + earnedPerCall, maximumEarned) }

    /// Takes one retry; false when there is none.
    mutating func withdraw(now: ContinuousClock.Instant) -> Bool {
        if earned >= Self.unit {
            earned -= Self.unit
            return true
        }
        guard floor > 0 else { return false }
        let wholeAt = max(floorIsWholeAt ?? now, now).advanced(by: period / floor)
        guard now.duration(to: wholeAt) <= period else { return false }
        floorIsWholeAt = wholeAt
        return true
    }
}
