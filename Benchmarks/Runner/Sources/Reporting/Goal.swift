/// What this library is to reach, in the same run as what it is compared with.
struct Goal {
    struct Quantity {
        var metric: Metric
        var work: String
        var contestant = Contestant.ours
        /// What the figure is for so many of: it is divided by them.
        var count = 1.0
    }

    enum Outcome: Equatable {
        case met(Double)
        case notMet(Double)
        /// Something of it was not measured, and what.
        case unknown(String)
    }

    enum Relation: String {
        case atLeast = "≥"
        case atMost = "≤"
    }

    var title: String
    var measured: Quantity
    /// What it is divided by; nil compares the figure itself.
    var reference: Quantity?
    var relation = Relation.atLeast
    var bound: Double
    var unit = "×"

    var wanted: String { "\(relation.rawValue) \(shown(bound)) \(unit)" }

    func outcome(_ results: Results) -> Outcome {
        func median(_ quantity: Quantity) -> Double? {
            results.spread(quantity.metric, quantity.work, quantity.contestant).map { $0.median / quantity.count }
        }
        guard var value = median(measured) else { return .unknown("\(measured.contestant) \(measured.work)") }
        // Processor time comes in steps; a figure of nothing is one that was not taken for long enough.
        guard value > 0 else { return .unknown("\(measured.contestant) \(measured.work), too short") }
        if let reference {
            guard let other = median(reference), other > 0 else {
                return .unknown("\(reference.contestant) \(reference.work)")
            }
            value /= other
        }
        return (relation == .atLeast ? value >= bound : value <= bound) ? .met(value) : .notMet(value)
    }
}
