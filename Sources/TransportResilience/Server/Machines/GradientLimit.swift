/// Follows the ratio of unhurried to recent latency: the gradient controller of Envoy's adaptive concurrency filter, which
/// goes back to Netflix's concurrency-limits; the idea is that of TCP Vegas (L. Brakmo, L. Peterson, 1995).
///
/// ```
/// probing (a quarter of the limit) ── enough calls: their mean is the baseline ──▶ following ─┐ each window:
///     ▲                                                                              │   ▲───┘ a new limit
///     └───────────────────────── the probe interval has passed ──────────────────────┘
/// ```
///
/// When most calls of a window end for want of a resource or of time, the limit is halved, and no time is believed.
/// Only calls that began within the current window or probe count, for they alone have seen its limit.
struct GradientLimit {
    struct Settings: Hashable {
        let bounds: ConcurrencyLimit.Bounds
        let initial: Int
        let tolerance: Double
        let probeInterval: Duration
    }

    private enum Phase {
        case probing
        case following(baseline: Double, nextProbe: ContinuousClock.Instant)
    }

    /// A window is at least so long.
    static let shortestWindow: Duration = .milliseconds(50)
    /// How many calls a window or a probe needs.
    static let sampleCount = 20...100

    private let settings: Settings
    private var phase = Phase.probing
    private var limit: Double

    // The window.
    private var began: ContinuousClock.Instant
    private var count = 0
    private var sum = 0.0
    private var overloadedCount = 0
    private var mostInUse = 0

    init(_ settings: Settings, now: ContinuousClock.Instant) {
        self.settings = settings
        limit = settings.bounds.clamp(Double(settings.initial))
        began = now
    }

    var current: Int {
        switch phase {
        case .probing: Int(settings.bounds.clamp(limit / 4))
        case .following: Int(limit)
        }
    }

    /// - Parameter chance: A random number within 0..<1.
    mutating func take(_ sample: CallSample, chance: Double) {
        if case .following(_, let nextProbe) = phase, sample.ended >= nextProbe {
            phase = .probing
            openWindow(sample.ended)
            return
        }
        mostInUse = max(mostInUse, sample.inUse)
        guard sample.outcome != .other, sample.began >= began else { return }
        count += 1
        sum += sample.latency
        if sample.outcome == .overloaded { overloadedCount += 1 }
        let needed = min(max(current, Self.sampleCount.lowerBound), Self.sampleCount.upperBound)
        guard count >= needed, began.duration(to: sample.ended) >= Self.shortestWindow else { return }
        defer { openWindow(sample.ended) }
        guard overloadedCount * 2 <= count else { return limit = settings.bounds.clamp(limit / 2) }
        let mean = max(sum / Double(count), 1e-9)
        switch phase {
        case .probing:
            let pause = settings.probeInterval * (1 + chance / 4)
            phase = .following(baseline: mean, nextProbe: sample.ended.advanced(by: pause))
        case .following(let baseline, _):
            let gradient = min(max(settings.tolerance * baseline / mean, 0.5), 2)
            let next = limit * gradient + limit.squareRoot()
            // A limit that is not used proves nothing by its calls.
            if next < limit {
                limit = settings.bounds.clamp(next)
            } else if mostInUse * 2 >= current {
                limit = settings.bounds.clamp((limit + next) / 2)
            }
        }
    }

    private mutating func openWindow(_ now: ContinuousClock.Instant) {
        (began, count, sum, overloadedCount, mostInUse) = (now, 0, 0, 0, 0)
    }
}
