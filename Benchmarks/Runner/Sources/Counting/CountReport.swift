/// Figures beside their thresholds, and what follows.
struct CountReport {
    let thresholds: Thresholds
    /// In the order in which they were measured.
    let measured: [(path: String, counts: Counts)]
    /// All paths were to be measured.
    let isComplete: Bool

    var table: TextTable {
        var table = TextTable(
            leftColumns: 1,
            rows: [["path", "instructions", "at most", "", "allocations", "at most", ""]])
        for (path, counts) in measured {
            let threshold = thresholds.counts[path]
            let verdict = thresholds.verdict(path, counts)
            table.rows.append([
                path, shown(counts.instructions.rounded()),
                shown((threshold?.instructions).map(Thresholds.instructionLimit)?.rounded()),
                Self.word(verdict.instructions), shown(counts.allocations),
                shown((threshold?.allocations).map(Thresholds.allocationLimit)), Self.word(verdict.allocations),
            ])
        }
        return table
    }

    private static func word(_ verdict: Thresholds.Verdict) -> String {
        switch verdict {
        case .kept: ""
        case .risen: "RISEN"
        case .fallen: "fallen"
        case .unknown: "new"
        }
    }

    /// What keeps the check from passing.
    var failures: [String] {
        measured.flatMap { path, counts -> [String] in
            guard let threshold = thresholds.counts[path] else {
                return ["\(path) has no threshold"]
            }
            let verdict = thresholds.verdict(path, counts)
            var lines: [String] = []
            if verdict.instructions == .risen {
                lines.append(
                    Self.sentence(path, "instructions", counts.instructions, threshold.instructions, "more than"))
            }
            if verdict.allocations == .risen {
                lines.append(
                    Self.sentence(path, "allocations", counts.allocations, threshold.allocations, "more than"))
            }
            return lines
        }
            + (isComplete
                ? thresholds.missing(in: measured.map(\.path)).map { "\($0) has a threshold and is no path" } : [])
    }

    /// What fell, so that its threshold holds nothing any more.
    var improvements: [String] {
        measured.flatMap { path, counts -> [String] in
            guard let threshold = thresholds.counts[path] else { return [] }
            let verdict = thresholds.verdict(path, counts)
            var lines: [String] = []
            if verdict.instructions == .fallen {
                lines.append(
                    Self.sentence(path, "instructions", counts.instructions, threshold.instructions, "less than"))
            }
            if verdict.allocations == .fallen {
                lines.append(
                    Self.sentence(path, "allocations", counts.allocations, threshold.allocations, "less than"))
            }
            return lines
        }
    }

    private static func sentence(
        _ path: String, _ what: String, _ value: Double, _ threshold: Double, _ relation: String
    ) -> String {
        let change =
            threshold > 0 ? " (\(value > threshold ? "+" : "−")\(shown(abs(value / threshold - 1) * 100)) %)" : ""
        return "\(path) takes \(shown(value)) \(what), \(relation) the \(shown(threshold)) of its threshold\(change)"
    }

    /// The goals that such figures are for; a path that was not measured says nothing.
    var goals: TextTable {
        var table = TextTable(rows: [["goal", "", "wanted", "measured"]])
        func counts(_ path: String) -> Counts? { measured.first { $0.path == path }?.counts }
        func add(_ title: String, _ value: Double?, atMost bound: Double, unit: String) {
            guard let value else { return }
            // As shown: an array that grows once in a thousand passes is no allocation of a call.
            table.rows.append([
                title, (value * 100).rounded() / 100 <= bound ? "met" : "not met", "≤ \(shown(bound)) \(unit)",
                "\(shown(value)) \(unit)",
            ])
        }
        let server = counts("grpc:server:64B:c100")
        add("instructions of a call on the server, 100 streams", server?.instructions, atMost: 20_000, unit: "")
        add("allocations of a call on the server, 100 streams", server?.allocations, atMost: 6, unit: "")
        if let bare = counts("grpc:unary:64B:c1"), let wrapped = counts("grpc:unary:64B:c1:node") {
            func added(_ value: KeyPath<Counts, Double>) -> Double {
                (wrapped[keyPath: value] / bare[keyPath: value] - 1) * 100
            }
            add("instructions that .node adds to a call", added(\.instructions), atMost: 15, unit: "%")
            add("allocations that .node adds to a call", added(\.allocations), atMost: 15, unit: "%")
        }
        return table
    }
}
