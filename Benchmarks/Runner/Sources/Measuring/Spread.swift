/// The middle and the ends of some rounds.
struct Spread: Codable, Equatable {
    var median, minimum, maximum: Double

    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        (minimum, maximum) = (first, last)
    }
}
