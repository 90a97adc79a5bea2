/// How long unary calls take of late: moving means over about 16 calls, of all and of each method.
struct ServiceTimes {
    private static let share = 1.0 / 16

    private var all = 0.0
    /// By the method's number.
    private var byMethod: [Double] = []

    /// The mean of all; zero before the first.
    var mean: Duration { .seconds(all) }

    /// What a call of a method is expected to take; zero while nothing is known.
    func expected(_ method: Int) -> Duration {
        byMethod.indices.contains(method) ? .seconds(byMethod[method]) : .zero
    }

    /// A call took so many seconds.
    mutating func took(_ seconds: Double, _ method: Int) {
        all += all == 0 ? seconds : (seconds - all) * Self.share
        guard method >= 0 else { return }
        while byMethod.count <= method { byMethod.append(0) }
        byMethod[method] += byMethod[method] == 0 ? seconds : (seconds - byMethod[method]) * Self.share
    }

    /// A call was turned away for what its method is expected to take.
    mutating func doubt(_ method: Int) {
        guard byMethod.indices.contains(method) else { return }
        byMethod[method] *= 1 - Self.share
    }
}
