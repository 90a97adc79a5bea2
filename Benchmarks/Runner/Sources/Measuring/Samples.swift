/// A number that only grows, looked at now and then: a server's processor time while a client calls it.
struct Samples {
    private var points: [(time: Double, value: Double)] = []

    mutating func add(_ value: Double, at time: Double) { points.append((time, value)) }

    /// How much it grew between two times, straight lines between the points; nil when it was not looked at so long.
    func growth(from start: Double, to end: Double) -> Double? {
        guard let first = value(at: start), let last = value(at: end), end > start else { return nil }
        return last - first
    }

    private func value(at time: Double) -> Double? {
        guard let after = points.firstIndex(where: { $0.time >= time }) else { return nil }
        let right = points[after]
        guard after > 0 else { return right.time == time ? right.value : nil }
        let left = points[after - 1]
        return left.value + (right.value - left.value) * (time - left.time) / (right.time - left.time)
    }
}
