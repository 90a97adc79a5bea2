/// Lines over two axes.
struct LineChart {
    struct Series {
        var name: String
        var points: [(x: Double, y: Double)]
    }

    var title: String
    var xTitle: String
    var yTitle: String
    var isXLogarithmic = true
    var isYLogarithmic = true
    /// Where x has a mark, and what it says; without any, powers of ten or round values.
    var xTicks: [(Double, String)] = []
    var hasDots = true
    var series: [Series]

    private static let (width, height) = (760.0, 320.0)
    private static let (left, right, top, bottom) = (70.0, 640.0, 26.0, 270.0)

    var svg: String {
        let points = series.flatMap(\.points)
        let x = Axis(
            values: points.map(\.x), pixels: (Self.left, Self.right), isLogarithmic: isXLogarithmic)
        let y = Axis(
            values: points.map(\.y), pixels: (Self.bottom, Self.top), isLogarithmic: isYLogarithmic)
        var parts: [String] = []
        for tick in y.ticks {
            parts.append(SVG.line(Self.left, y.position(tick), Self.right, y.position(tick), kind: "grid"))
            parts.append(SVG.text(Self.left - 6, y.position(tick) + 4, shownTick(tick), anchor: "end"))
        }
        for (tick, label) in xTicks.isEmpty ? x.ticks.map({ ($0, shownTick($0)) }) : xTicks {
            parts.append(SVG.line(x.position(tick), Self.top, x.position(tick), Self.bottom, kind: "grid"))
            parts.append(SVG.text(x.position(tick), Self.bottom + 16, label, anchor: "middle"))
        }
        parts.append(SVG.text(Self.right, Self.bottom + 34, xTitle, anchor: "end"))
        parts.append(SVG.text(0, 14, yTitle))
        for (index, line) in series.enumerated() {
            parts += draw(line, x, y)
            let legendY = Self.top + 10 + 18 * Double(index)
            parts.append(SVG.bar(Self.right + 14, legendY - 9, 10, 10, color: Palette.color(line.name)))
            parts.append(SVG.text(Self.right + 29, legendY, line.name))
        }
        return SVG.drawing(width: Self.width, height: Self.height, title: title, parts)
    }

    private func draw(_ line: Series, _ x: Axis, _ y: Axis) -> [String] {
        let color = Palette.color(line.name)
        let places = line.points.map { (x.position($0.x), y.position($0.y)) }
        let path = places.map { "\(pixel($0.0)),\(pixel($0.1))" }.joined(separator: " ")
        var parts = ["<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\" points=\"\(path)\"/>"]
        if hasDots {
            parts += places.map { "<circle cx=\"\(pixel($0.0))\" cy=\"\(pixel($0.1))\" r=\"3.5\" fill=\"\(color)\"/>" }
        }
        return parts
    }
}
