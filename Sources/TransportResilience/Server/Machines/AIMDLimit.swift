/// Additive increase, multiplicative decrease (D.-M. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms for
/// Congestion Avoidance", 1989), with TCP's slow start (RFC 5681 §3.1).
///
/// ```
/// doubling ── too slow ──▶ avoiding ─┐
///                             ▲      │ too slow: × decrease, once per round
///                             └──────┘ well: + 1 per round
/// ```
struct AIMDLimit {
    struct Settings: Hashable {
        let bounds: ConcurrencyLimit.Bounds
        let initial: Int
        let latencyBound: Duration
        let decrease: Double
    }

    private let settings: Settings
    private let latencyBound: Double
    private var limit: Double
    private var lastDecrease: ContinuousClock.Instant?

    init(_ settings: Settings) {
        self.settings = settings
        latencyBound = settings.latencyBound / .seconds(1)
        limit = settings.bounds.clamp(Double(settings.initial))
    }

    var current: Int { Int(limit) }

    mutating func take(_ sample: CallSample) {
        if sample.outcome == .overloaded || (sample.outcome == .succeeded && sample.latency > latencyBound) {
            // What began before the last decrease has suffered from what that has cured.
            if let lastDecrease, sample.began < lastDecrease { return }
            lastDecrease = sample.ended
            limit = settings.bounds.clamp(limit * settings.decrease)
        } else if sample.outcome == .succeeded, sample.inUse * 2 >= current {
            // A limit that is not used proves nothing by its calls.
            limit = settings.bounds.clamp(limit + (lastDecrease == nil ? 1 : 1 / limit))
        }
    }
}
