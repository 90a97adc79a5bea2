/// Latencies in buckets that are at most 1/128 of their value wide, so that any percentile is exact to 0.8 %.
struct Histogram: Sendable {
    private static let bits = 7

    private var counts = [UInt64](repeating: 0, count: 65 << Self.bits)
    private(set) var total: UInt64 = 0
    private var maximum: UInt64 = 0

    var maximumMicroseconds: Double { Double(maximum) / 1000 }

    mutating func add(_ nanoseconds: UInt64) {
        counts[Self.index(nanoseconds)] += 1
        total += 1
        maximum = max(maximum, nanoseconds)
    }

    /// The latency that `share` of all are no greater than.
    func microseconds(_ share: Double) -> Double {
        let wanted = UInt64(share * Double(total))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen > wanted { return Self.middle(index) / 1000 }
        }
        return maximumMicroseconds
    }

    /// For each bucket that has something: the latency in µs, and the percentile that it completes.
    var percentiles: [(microseconds: Double, percentile: Double)] {
        var seen: UInt64 = 0
        var lines: [(Double, Double)] = []
        for (index, count) in counts.enumerated() where count > 0 {
            seen += count
            lines.append((Self.middle(index) / 1000, 100 * Double(seen) / Double(total)))
        }
        return lines
    }

    private static func index(_ value: UInt64) -> Int {
        guard value >= 2 << bits else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - bits
        return (shift << bits) + Int(value >> UInt64(shift))
    }

    private static func middle(_ index: Int) -> Double {
        guard index >= 2 << bits else { return Double(index) }
        let shift = (index >> bits) - 1
        let low = UInt64(index - (shift << bits)) << UInt64(shift)
        return Double(low) + Double(UInt64(1) << UInt64(shift)) / 2
    }
}
