/// The number of places, whoever decides on it.
enum AdaptiveLimit {
    case fixed(Int)
    case aimd(AIMDLimit)
    case gradient(GradientLimit)

    init(_ limit: ConcurrencyLimit, now: ContinuousClock.Instant) {
        switch limit.kind {
        case .fixed(let count): self = .fixed(count)
        case .aimd(let settings): self = .aimd(AIMDLimit(settings))
        case .gradient(let settings): self = .gradient(GradientLimit(settings, now: now))
        }
    }

    var current: Int {
        switch self {
        case .fixed(let count): count
        case .aimd(let limit): limit.current
        case .gradient(let limit): limit.current
        }
    }

    /// - Parameter chance: A random number within 0..<1.
    mutating func take(_ sample: CallSample, chance: Double) {
        switch self {
        case .fixed: break
        case .aimd(var limit):
            limit.take(sample)
            self = .aimd(limit)
        case .gradient(var limit):
            limit.take(sample, chance: chance)
            self = .gradient(limit)
        }
    }
}
