/// How many unary calls run at once: a number, or what the server finds out by itself.
///
/// The adaptive ones look at how long calls take. They suit servers whose calls are much alike; where unary calls wait
/// for events ("long polling"), a fixed number is right.
public struct ConcurrencyLimit: Sendable, Hashable {
    enum Kind: Hashable {
        case fixed(Int)
        case aimd(AIMDLimit.Settings)
        case gradient(GradientLimit.Settings)
    }

    let kind: Kind

    /// Always `count`; at least 1, at most 1,000,000.
    public static func fixed(_ count: Int) -> ConcurrencyLimit {
        ConcurrencyLimit(kind: .fixed(min(max(count, 1), 1_000_000)))
    }

    /// Grows by one for each round of calls that end well and soon; shrinks by a factor when a call takes too long or
    /// ends for want of a resource or of time.
    ///
    /// Additive increase, multiplicative decrease (D.-M. Chiu, R. Jain, 1989), as TCP does it: until the first
    /// decrease it doubles each round, and calls that began before a decrease cause no other.
    ///
    /// - Parameters:
    ///   - bounds: Between which numbers; within 1...1,000,000.
    ///   - initial: Where to begin.
    ///   - latencyBound: How long a call may take.
    ///   - decrease: The factor; within 0.1...0.99.
    public static func aimd(
        within bounds: ClosedRange<Int> = 4...1024, initial: Int = 16, latencyBound: Duration, decrease: Double = 0.9
    ) -> ConcurrencyLimit {
        ConcurrencyLimit(
            kind: .aimd(
                AIMDLimit.Settings(
                    bounds: Bounds(bounds), initial: initial, latencyBound: latencyBound,
                    decrease: decrease >= 0.1 ? min(decrease, 0.99) : 0.1)))
    }

    /// Compares how long calls take with how long they take when there are few, and follows the ratio.
    ///
    /// The gradient of Netflix's concurrency-limits in the form of Envoy's adaptive concurrency filter: the new limit is
    /// the old one, times `tolerance` × unhurried time ÷ recent time (within 0.5...2), plus the square root of it as
    /// head-room. For the unhurried time the limit goes down to a quarter at the beginning and after each `probeInterval`,
    /// for as long as it takes to see enough calls (Envoy goes down to 3 for it; a quarter costs less, and comes to the
    /// same after a few times).
    ///
    /// - Parameters:
    ///   - bounds: Between which numbers; within 1...1,000,000.
    ///   - initial: Where to begin.
    ///   - tolerance: How many times the unhurried time a call may take; within 1...10.
    ///   - probeInterval: At least 100 ms; jitter lengthens it by up to a quarter.
    public static func gradient(
        within bounds: ClosedRange<Int> = 4...1024, initial: Int = 32, tolerance: Double = 1.5,
        probeInterval: Duration = .seconds(10)
    ) -> ConcurrencyLimit {
        ConcurrencyLimit(
            kind: .gradient(
                GradientLimit.Settings(
                    bounds: Bounds(bounds), initial: initial, tolerance: tolerance >= 1 ? min(tolerance, 10) : 1,
                    probeInterval: max(probeInterval, .milliseconds(100)))))
    }

    /// Where a limit may be.
    struct Bounds: Hashable {
        let lowest: Int
        let highest: Int

        init(_ range: ClosedRange<Int>) {
            lowest = min(max(range.lowerBound, 1), 1_000_000)
            highest = min(max(range.upperBound, lowest), 1_000_000)
        }

        func clamp(_ value: Double) -> Double { min(max(value, Double(lowest)), Double(highest)) }
    }

    /// The most that it may come to.
    var highest: Int {
        switch kind {
        case .fixed(let count): count
        case .aimd(let settings): settings.bounds.highest
        case .gradient(let settings): settings.bounds.highest
        }
    }
}
