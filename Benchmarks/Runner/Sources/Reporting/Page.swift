/// One page of HTML with all charts and the tables; it fetches nothing.
struct Page {
    let results: Results

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>Benchmarks of swift-node-transport</title><style>\(Self.style)</style></head><body>
        <h1>swift-node-transport beside others</h1>
        <p>\(escaped(results.date)). \(escaped(results.machine.description)).<br>
        Medians of \(results.roundCount) rounds of \(shown(results.seconds)) s, contestants in turns; thin lines reach from the
        least to the greatest round. <code>\(escaped(results.commandLine))</code></p>
        <p>\(results.versions.sorted { $0.key < $1.key }.map { escaped("\($0.key): \($0.value)") }.joined(separator: "; "))</p>
        <h2>Goals</h2>\(table(Goals.table(results)))
        \(throughput)
        \(latencies)
        \(processor)
        \(scaling)
        \(memory)
        <h2>All figures</h2><p>\(escaped(ResultTable.legend))</p>\(table(ResultTable.make(results)))
        </body></html>

        """
    }

    private var works: [Work] {
        var seen: Set<String> = []
        return results.entries.map(\.work).filter { seen.insert($0.id).inserted }
    }

    private func entries(_ work: Work) -> [Entry] {
        results.entries.filter { $0.work.id == work.id && !$0.rounds.isEmpty }
    }

    private var throughput: String {
        let wires = works.filter { $0.kind == .closed || $0.kind == .h2load }
        return bars("Throughput", wires, unit: "/s") { entry in
            entry.spread(.rate).map { ([$0.median], ($0.minimum, $0.maximum)) }
        }
    }

    private var processor: String {
        bars(
            "CPU time a call",
            works.filter {
                $0.kind == .closed && ["unary", "bulk", "handshake"].contains($0.scenario) || $0.kind == .h2load
            },
            unit: "µs",
            note: "The client's, and paler the server's; under h2load the server's alone."
        ) { entry in
            let parts = [Metric.clientProcessor, .serverProcessor].compactMap { entry.spread($0)?.median }
            return parts.isEmpty ? nil : (parts, nil)
        }
    }

    private var memory: String {
        bars("Server's memory for an idle connection", works.filter { $0.kind == .idle }, unit: "KiB") { entry in
            entry.spread(.idleBytes).map { ([$0.median / 1024], ($0.minimum / 1024, $0.maximum / 1024)) }
        }
    }

    private func bars(
        _ title: String, _ works: [Work], unit: String, note: String = "",
        _ figure: (Entry) -> (parts: [Double], range: (Double, Double)?)?
    ) -> String {
        let groups = works.map { work in
            BarChart.Group(
                title: work.id,
                bars: entries(work).compactMap { entry in
                    figure(entry).map { BarChart.Bar(name: entry.contestant, parts: $0.parts, range: $0.range) }
                })
        }
        guard groups.contains(where: { !$0.bars.isEmpty }) else { return "" }
        return "<h2>\(title)</h2><p>\(note)</p>" + BarChart(title: title, unit: unit, groups: groups).svg
    }

    /// The usual axis of percentiles: each nine takes as much room as the one before it.
    private var latencies: String {
        works.filter { $0.kind == .open }.map { work in
            let series = entries(work).compactMap { entry -> LineChart.Series? in
                guard let histogram = entry.histogram, !histogram.isEmpty else { return nil }
                // The slowest of a thousand calls is the percentile 99.9 and nothing beyond.
                let calls = max(entry.rounds.last?[.calls] ?? 0, 2)
                let points = histogram.map { (1 / max(1 - $0.percentile / 100, 1 / calls), $0.microseconds) }
                return LineChart.Series(name: entry.contestant, points: points)
            }
            guard !series.isEmpty else { return "" }
            let rate = entries(work).first?.spread(.asked)?.median
            let chart = LineChart(
                title: "Latency, \(work.id)", xTitle: "percentile", yTitle: "µs",
                xTicks: [(1, "0"), (10, "90"), (100, "99"), (1000, "99.9"), (10_000, "99.99"), (100_000, "99.999")]
                    .filter { tick, _ in tick < 10 * (series.flatMap(\.points).map(\.x).max() ?? 1) },
                hasDots: false, series: series)
            return
                "<h2>Latency, \(work.id)</h2><p>\(shown(rate)) calls a second are due at fixed times; a latency counts "
                + "from when the call was to start. The last round.</p>" + chart.svg
        }.joined()
    }

    private var scaling: String {
        let works = works.filter { $0.id.contains(":scale:") }
        var wires: [String] = []
        for work in works where !wires.contains(work.wire) { wires.append(work.wire) }
        return wires.map { wire in
            let ofWire = works.filter { $0.wire == wire }
            func chart(_ title: String, _ metric: Metric) -> String {
                let series = Contestant.names.compactMap { name -> LineChart.Series? in
                    let points = ofWire.compactMap { work in
                        results.spread(metric, work.id, name).map { (Double(work.connections), $0.median) }
                    }
                    return points.isEmpty ? nil : LineChart.Series(name: name, points: points)
                }
                guard !series.isEmpty else { return "" }
                return LineChart(title: title, xTitle: "connections", yTitle: title, series: series).svg
            }
            return "<h2>Scaling with connections, \(wire)</h2><p>One call of 64 bytes under way on each.</p>"
                + chart("calls a second", .rate) + chart("server's CPU time a call, µs", .serverProcessor)
        }.joined()
    }

    private func table(_ table: TextTable) -> String {
        let rows = table.rows.enumerated().map { index, row in
            let tag = index == 0 ? "th" : "td"
            return "<tr>"
                + row.enumerated().map { column, cell in
                    "<\(tag)\(column < table.leftColumns ? " class=\"left\"" : "")>\(escaped(cell))</\(tag)>"
                }.joined() + "</tr>"
        }
        return "<div class=\"scroll\"><table>\(rows.joined(separator: "\n"))</table></div>"
    }

    private static let style = """
        :root { color-scheme: light dark; --text: #222; --grid: #ddd; --back: #fff; }
        @media (prefers-color-scheme: dark) { :root { --text: #ddd; --grid: #444; --back: #1b1b1b; } }
        body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 64rem;
          margin: 2rem auto; padding: 0 1rem; }
        svg { width: 100%; max-width: 48rem; display: block; }
        svg text { fill: var(--text); font-size: 11px; } svg text.heading { font-weight: 600; font-size: 12px; }
        line.grid { stroke: var(--grid); } line.range { stroke: var(--text); }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; }
        th, td { text-align: right; padding: 0.15rem 0.6rem; border-bottom: 1px solid var(--grid); white-space: nowrap; }
        .left { text-align: left; }
        """
}
