/// The figures as a table: a line for each contestant at each work.
enum ResultTable {
    static let head = [
        "work", "program", "calls/s", "min–max", "MB/s", "p50 µs", "p99 µs", "CPU µs client", "CPU µs server",
        "server MiB", "ours is",
    ]

    static func make(_ results: Results) -> TextTable {
        var table = TextTable(rows: [head])
        var last = ""
        for entry in results.entries {
            table.rows.append([entry.work.id == last ? "" : entry.work.id] + cells(entry, results))
            last = entry.work.id
        }
        return table
    }

    private static func cells(_ entry: Entry, _ results: Results) -> [String] {
        guard let rate = entry.spread(.rate) else {
            return [entry.contestant, "failed"] + Array(repeating: "", count: 8)
        }
        func median(_ metric: Metric) -> String { shown(entry.spread(metric)?.median) }
        let p50 = entry.spread(.p50) == nil ? median(.mean) + "*" : median(.p50)
        let memory =
            entry.spread(.idleBytes).map { "\(shown($0.median / 1024)) KiB each" }
            ?? shown(entry.spread(.serverPeak).map { $0.median / 1024 })
        return [
            entry.contestant + (entry.failure == nil ? "" : " (failed later)"), shown(rate.median),
            "\(shown(rate.minimum))–\(shown(rate.maximum))", median(.megabytes), p50, median(.p99),
            median(.clientProcessor), median(.serverProcessor), memory,
            results.advantage(over: entry).map { shown($0) + " ×" } ?? "",
        ]
    }

    static let legend = """
        Medians of the rounds. CPU time is per call. "ours is" compares calls/s; for open loops p99, and for idle
        connections the server's memory for each, where less is better. * the mean: h2load prints no percentiles.
        """
}
