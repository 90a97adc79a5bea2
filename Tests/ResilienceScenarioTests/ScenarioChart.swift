import Foundation

/// Goodput and p99 over virtual time of several runs, as a picture that needs nothing else.
struct ScenarioChart {
    private struct Plot {
        var x: Double
        var y: Double
        var height: Double
        /// At the upper edge.
        var maximum: Double

        func at(_ second: Double) -> Double { x + second / ScenarioChart.seconds * ScenarioChart.plotWidth }
        func level(_ value: Double) -> Double { y + height * (1 - min(value / maximum, 1)) }
    }

    private static let seconds = Scenario.length / .seconds(1)
    private static let plotWidth = 440.0
    private static let columnWidth = 540.0
    private static let rowHeight = 330.0
    private static let top = 84.0
    private static let naiveColor = "#c2410c"
    private static let resilientColor = "#1d4ed8"

    private let runs: [Comparison]

    init(_ runs: [Comparison]) { self.runs = runs }

    var svg: String {
        let size = (width: Self.columnWidth * 2 + 20, height: Self.top + Self.rowHeight * Double((runs.count + 1) / 2))
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(size.width)) \(Self.number(size.height))" \
            width="\(Self.number(size.width))" height="\(Self.number(size.height))" \
            font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#1f2937">
            """,
            ##"<rect width="100%" height="100%" fill="#ffffff"/>"##,
            text(20, 30, "Three servers, two clients, six faults: real QUIC in virtual time", size: 18, isBold: true),
        ]
        for (x, color, name) in [
            (
                20.0, Self.resilientColor,
                "resilient: breakers, a channel over all servers, budgeted retries and hedging"
            ),
            (520.0, Self.naiveColor, "naive: a connection to each server, by turns"),
        ] {
            parts.append(##"<path d="M\##(x) 53h24" stroke="\##(color)" stroke-width="3"/>"##)
            parts.append(text(x + 30, 57, name, size: 12))
        }
        parts.append(##"<rect x="830" y="46" width="24" height="14" fill="#f1f5f9" stroke="#cbd5e1"/>"##)
        parts.append(text(860, 57, "the time of the fault", size: 12))
        for (index, run) in runs.enumerated() {
            parts += panel(
                run, x: 20 + Self.columnWidth * Double(index % 2), y: Self.top + Self.rowHeight * Double(index / 2))
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private func panel(_ run: Comparison, x: Double, y: Double) -> [String] {
        let goodput = Plot(x: x + 44, y: y + 54, height: 96, maximum: 100)
        let latency = Plot(x: x + 44, y: y + 182, height: 96, maximum: 1_000)
        let attempts = Double(run.resilient.attempts) / Double(max(run.resilient.outcomes.count, 1))
        let failed = (
            run.naive.failureCount(.zero..<Scenario.length), run.resilient.failureCount(.zero..<Scenario.length)
        )
        let summary =
            "of \(run.resilient.outcomes.count) calls failed: naive \(failed.0), resilient \(failed.1) · "
            + "resilient's attempts per call: \(String(format: "%.3f", attempts))"
        var parts = [
            text(x, y + 14, run.fault.title, size: 13, isBold: true), text(x, y + 30, summary, color: "#4b5563"),
        ]
        parts += frame(goodput, run, "goodput, % of offered calls", [0, 50, 100])
        parts += frame(latency, run, "p99 latency, ms (a call without a good answer counts 1,000)", [0, 500, 1_000])
        for second in stride(from: 0.0, through: Self.seconds, by: 5) {
            parts.append(
                text(latency.at(second), latency.y + latency.height + 14, Self.number(second) + " s", anchor: "middle"))
        }
        for (measurements, color) in [(run.naive, Self.naiveColor), (run.resilient, Self.resilientColor)] {
            parts.append(line(measurements.goodput.map { $0 * 100 }, goodput, color))
            parts.append(line(measurements.p99.map { $0 / .milliseconds(1) }, latency, color))
        }
        return parts
    }

    private func frame(_ plot: Plot, _ run: Comparison, _ title: String, _ ticks: [Double]) -> [String] {
        let (start, end) = (
            plot.at(run.faultyTime.lowerBound / .seconds(1)), plot.at(run.faultyTime.upperBound / .seconds(1))
        )
        var parts = [
            """
            <rect x="\(Self.number(start))" y="\(Self.number(plot.y))" width="\(Self.number(end - start))" \
            height="\(Self.number(plot.height))" fill="#f1f5f9" stroke="#cbd5e1"/>
            """,
            text(plot.x, plot.y - 5, title, color: "#4b5563"),
        ]
        for tick in ticks {
            let y = Self.number(plot.level(tick))
            parts.append(
                ##"<path d="M\##(Self.number(plot.x)) \##(y)h\##(Self.plotWidth)" stroke="#d1d5db" stroke-width="0.7"/>"##
            )
            parts.append(text(plot.x - 6, plot.level(tick) + 4, Self.number(tick), anchor: "end"))
        }
        return parts
    }

    /// A level for each second.
    private func line(_ values: [Double], _ plot: Plot, _ color: String) -> String {
        var path = ""
        for (second, value) in values.enumerated() {
            let y = Self.number(plot.level(value))
            path += second == 0 ? "M\(Self.number(plot.at(0))) \(y)" : "V\(y)"
            path += "H\(Self.number(plot.at(Double(second + 1))))"
        }
        return ##"<path d="\##(path)" fill="none" stroke="\##(color)" stroke-width="1.8" stroke-opacity="0.9"/>"##
    }

    private func text(
        _ x: Double, _ y: Double, _ text: String, size: Int = 11, isBold: Bool = false, color: String = "#1f2937",
        anchor: String = "start"
    ) -> String {
        """
        <text x="\(Self.number(x))" y="\(Self.number(y))" font-size="\(size)" fill="\(color)" text-anchor="\(anchor)"\
        \(isBold ? " font-weight=\"bold\"" : "")>\(text)</text>
        """
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(format: "%.1f", value)
    }
}
