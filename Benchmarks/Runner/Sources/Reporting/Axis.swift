internal import Foundation

/// Maps values to a span of pixels, evenly or by their logarithm.
struct Axis {
    let low, high: Double
    let start, end: Double
    let isLogarithmic: Bool

    /// - Parameters:
    ///   - values: What has to fit; none that is not finite counts, and on a logarithmic axis none ≤ 0.
    ///   - pixels: Where the least and the greatest go; the first may be the larger one.
    init(values: [Double], pixels: (Double, Double), isLogarithmic: Bool) {
        let usable = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
        var low = usable.min() ?? 1
        var high = usable.max() ?? 10
        if isLogarithmic {
            low = pow(10, log10(low).rounded(.down))
            high = pow(10, log10(high).rounded(.up))
            if high <= low { high = low * 10 }
        } else {
            low = Swift.min(low, 0)
            if high <= low { high = low + 1 }
        }
        (self.low, self.high) = (low, high)
        (start, end) = pixels
        self.isLogarithmic = isLogarithmic
    }

    /// The pixel of a value; one beyond the ends is put at the end.
    func position(_ value: Double) -> Double {
        let inside = Swift.min(Swift.max(value.isFinite ? value : high, low), high)
        let share =
            isLogarithmic ? (log10(inside) - log10(low)) / (log10(high) - log10(low)) : (inside - low) / (high - low)
        return start + share * (end - start)
    }

    /// Powers of ten, or some six round values.
    var ticks: [Double] {
        if isLogarithmic {
            let first = Int(log10(low).rounded())
            let last = Int(log10(high).rounded())
            return (first...Swift.max(first, last)).map { pow(10, Double($0)) }
        }
        let rough = (high - low) / 5
        let unit = pow(10, log10(rough).rounded(.down))
        let step = unit * (rough / unit < 2 ? 1 : rough / unit < 5 ? 2 : 5)
        return stride(from: (low / step).rounded(.up) * step, through: high, by: step).map { $0 }
    }
}
