/// Reads the line that `X call` prints.
enum ProgramLine {
    /// - Returns: What the last line with `calls_per_second=` says; nil without one. Unknown words are passed over.
    static func figures(_ output: String) -> Figures? {
        guard let line = output.split(separator: "\n").last(where: { $0.contains("calls_per_second=") }) else {
            return nil
        }
        var figures: Figures = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let metric = Metric(rawValue: String(parts[0])), let value = Double(parts[1]),
                value.isFinite
            else { continue }
            figures[metric] = value
        }
        return figures[.rate] == nil ? nil : figures
    }

    /// - Returns: The port of `LISTENING PORT`; nil while it is not there.
    static func port(_ output: String) -> UInt16? {
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "LISTENING" { return UInt16(words[1]) }
        }
        return nil
    }

    /// Reads a histogram's file: latency in µs and percentile in each line.
    static func histogram(_ text: String) -> [LatencyPoint] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").compactMap { Double($0) }
            guard words.count == 2 else { return nil }
            return LatencyPoint(microseconds: words[0], percentile: words[1])
        }
    }
}

/// `percentile` per cent of all calls took no longer.
struct LatencyPoint: Codable, Equatable {
    var microseconds: Double
    var percentile: Double
}
