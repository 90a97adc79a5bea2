/// Groups of horizontal bars; each group has its own scale, for works differ by orders of magnitude.
struct BarChart {
    struct Bar {
        var name: String
        /// Drawn one after the other: a client's and a server's share.
        var parts: [Double]
        /// The least and the greatest of the rounds.
        var range: (Double, Double)?
    }

    struct Group {
        var title: String
        var bars: [Bar]
    }

    var title: String
    var unit: String
    var groups: [Group]

    private static let width = 760.0
    private static let left = 110.0
    private static let right = 640.0
    private static let rowHeight = 17.0

    var svg: String {
        var parts: [String] = []
        var y = 6.0
        for group in groups where !group.bars.isEmpty {
            let axis = Axis(
                values: group.bars.flatMap { [$0.parts.reduce(0, +), $0.range?.1 ?? 0] },
                pixels: (Self.left, Self.right), isLogarithmic: false)
            y += 18
            parts.append(SVG.text(0, y - 5, group.title, kind: "heading"))
            for bar in group.bars {
                parts += draw(bar, axis, y)
                y += Self.rowHeight
            }
            y += 6
        }
        return SVG.drawing(width: Self.width, height: y + 6, title: title, parts)
    }

    private func draw(_ bar: Bar, _ axis: Axis, _ y: Double) -> [String] {
        let middle = y + Self.rowHeight / 2
        var parts = [SVG.text(Self.left - 8, middle + 4, bar.name, anchor: "end")]
        var sum = 0.0
        for (index, part) in bar.parts.enumerated() {
            let x = axis.position(sum)
            sum += part
            parts.append(
                SVG.bar(
                    x, y + 2, axis.position(sum) - x, Self.rowHeight - 4, color: Palette.color(bar.name),
                    pale: index > 0))
        }
        var textX = axis.position(sum)
        if let (low, high) = bar.range {
            parts.append(SVG.line(axis.position(low), middle, axis.position(high), middle, kind: "range"))
            textX = max(textX, axis.position(high))
        }
        parts.append(SVG.text(textX + 6, middle + 4, "\(shown(sum)) \(unit)"))
        return parts
    }
}
