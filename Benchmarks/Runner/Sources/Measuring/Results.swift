/// All rounds of one contestant at one work.
struct Entry: Codable {
    var work: Work
    var contestant: String
    var rounds: [Figures] = []
    /// The latencies of the last round, where asked for.
    var histogram: [LatencyPoint]?
    /// How long its rounds were, where no call ended in the time of the others.
    var longerSeconds: Double?
    /// Why there are no rounds, or fewer.
    var failure: String?

    func spread(_ metric: Metric) -> Spread? { Spread(rounds.compactMap { $0[metric] }) }
}

/// Who did not take part in what, and why.
struct Skipped: Codable, Equatable {
    /// Of a work, or `*`.
    var work: String
    var contestant: String
    var reason: String
}

/// What a run found; as JSON in `result.json`.
struct Results: Codable {
    var date: String
    var machine: Machine
    var commandLine: String
    var versions: [String: String]
    var roundCount: Int
    var seconds: Double
    var entries: [Entry] = []
    var skipped: [Skipped] = []

    /// One line for each reason and contestant, with the works where they are few.
    var skippedLines: [String] {
        var lines: [String] = []
        var works: [String: [String]] = [:]
        for one in skipped {
            let line = "\(one.contestant): \(one.reason)"
            if works[line] == nil { lines.append(line) }
            works[line, default: []].append(one.work)
        }
        return lines.map { line in
            let of = works[line] ?? []
            if of == ["*"] { return line }
            return "\(line) (\(of.count > 4 ? "\(of.count) works" : of.joined(separator: ", ")))"
        }
    }

    /// What was measured for longer than the rest.
    var longerLines: [String] {
        entries.compactMap { entry in
            entry.longerSeconds.map {
                "\(entry.contestant) \(entry.work.id): \(shown($0)) s, no call ended within \(shown(seconds)) s"
            }
        }
    }

    func spread(_ metric: Metric, _ work: String, _ contestant: String) -> Spread? {
        entries.first { $0.work.id == work && $0.contestant == contestant }?.spread(metric)
    }

    /// How much better ours is at what `work` is about; nil for ours, and where either is missing.
    func advantage(over entry: Entry) -> Double? {
        let metric = entry.work.metric
        guard entry.contestant != Contestant.ours,
            let ours = spread(metric, entry.work.id, Contestant.ours)?.median,
            let theirs = entry.spread(metric)?.median, ours > 0, theirs > 0
        else { return nil }
        return metric.moreIsBetter ? ours / theirs : theirs / ours
    }
}
