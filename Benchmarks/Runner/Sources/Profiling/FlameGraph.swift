internal import Foundation

/// A flame graph: a bar for each function, on the bar of whoever called it, as wide as the share of samples it was in.
struct FlameGraph {
    /// A function called in one place, and everything it called.
    private final class Node {
        let frame: Stacks.Frame
        var count = 0
        var children: [Stacks.Frame: Node] = [:]

        init(_ frame: Stacks.Frame) { self.frame = frame }

        func child(_ frame: Stacks.Frame) -> Node {
            if let child = children[frame] { return child }
            let child = Node(frame)
            children[frame] = child
            return child
        }

        /// With the largest first, so that what matters is read from the left.
        var sortedChildren: [Node] {
            children.values.sorted { ($1.count, $0.frame.function) < ($0.count, $1.frame.function) }
        }

        func depth(atLeast count: Int) -> Int {
            1 + (children.values.filter { $0.count >= count }.map { $0.depth(atLeast: count) }.max() ?? 0)
        }
    }

    let title: String
    let stacks: Stacks

    private static let width = 1600.0
    private static let rowHeight = 17.0
    private static let margin = 10.0
    private static let head = 54.0
    private static let letterWidth = 6.7
    /// Bars that are narrower are left out.
    private static let narrowest = 0.8

    /// Whose code it is, and its colour.
    private static let kinds: [(name: String, color: String)] = [
        ("this library and its program", "#8fbbe8"), ("Swift's runtime", "#c8b3e6"), ("the kernel", "#f2b18a"),
        ("other libraries", "#e9d88c"),
    ]

    private static func kind(_ binary: String) -> Int {
        if binary == "[kernel]" { return 2 }
        if binary.hasPrefix("libswift") || binary.hasPrefix("libdispatch") || binary.hasPrefix("libBlocks") { return 1 }
        return binary.contains(".so") || binary.hasPrefix("[") ? 3 : 0
    }

    var svg: String {
        let root = Node(Stacks.Frame(function: "all", binary: ""))
        root.count = stacks.total
        for (stack, count) in stacks.counts {
            var node = root
            for frame in stack {
                node = node.child(frame)
                node.count += count
            }
        }
        let scale = (Self.width - 2 * Self.margin) / Double(max(stacks.total, 1))
        let fewest = max(1, Int((Self.narrowest / scale).rounded(.up)))
        let height = Self.head + Double(root.depth(atLeast: fewest)) * Self.rowHeight + Self.margin
        var parts = header(height)
        draw(root, x: Self.margin, row: 0, scale: scale, height: height, into: &parts)
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" width="\(pixel(Self.width))" height="\(pixel(height))" \
            viewBox="0 0 \(pixel(Self.width)) \(pixel(height))" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" \
            font-size="11">
            \(parts.joined(separator: "\n"))
            </svg>

            """
    }

    private func header(_ height: Double) -> [String] {
        var parts = [
            "<rect width=\"\(pixel(Self.width))\" height=\"\(pixel(height))\" fill=\"#ffffff\"/>",
            "<text x=\"\(pixel(Self.margin))\" y=\"20\" font-size=\"14\">\(escaped(title)): \(stacks.total) samples</text>",
        ]
        var x = Self.margin
        for kind in Self.kinds {
            parts.append("<rect x=\"\(pixel(x))\" y=\"30\" width=\"12\" height=\"12\" fill=\"\(kind.color)\"/>")
            parts.append("<text x=\"\(pixel(x + 17))\" y=\"40\">\(escaped(kind.name))</text>")
            x += 40 + Double(kind.name.count) * Self.letterWidth
        }
        return parts
    }

    /// The outermost function is at the bottom.
    private func draw(
        _ node: Node, x: Double, row: Int, scale: Double, height: Double, into parts: inout [String]
    ) {
        let width = Double(node.count) * scale
        guard width >= Self.narrowest else { return }
        let y = height - Self.margin - Double(row + 1) * Self.rowHeight
        let share = pixel(100 * Double(node.count) / Double(max(stacks.total, 1)))
        let place = node.frame.binary.isEmpty ? "" : " [\(node.frame.binary)]"
        let color = node.frame.binary.isEmpty ? "#dddddd" : Self.kinds[Self.kind(node.frame.binary)].color
        parts.append(
            "<g><title>\(escaped("\(node.frame.function)\(place): \(share) %, \(node.count) samples"))</title>"
                + "<rect x=\"\(pixel(x))\" y=\"\(pixel(y))\" width=\"\(pixel(max(width - 0.5, 0.5)))\" "
                + "height=\"\(pixel(Self.rowHeight - 1))\" fill=\"\(color)\" rx=\"1\"/>"
                + label(node.frame.function, x: x, y: y, width: width) + "</g>")
        var next = x
        for child in node.sortedChildren {
            draw(child, x: next, row: row + 1, scale: scale, height: height, into: &parts)
            next += Double(child.count) * scale
        }
    }

    /// As much of the name as the bar has room for.
    private func label(_ name: String, x: Double, y: Double, width: Double) -> String {
        let room = Int((width - 5) / Self.letterWidth)
        guard room >= 3 else { return "" }
        let text = name.count <= room ? name : String(name.prefix(room - 1)) + "…"
        return "<text x=\"\(pixel(x + 3))\" y=\"\(pixel(y + 12))\">\(escaped(text))</text>"
    }
}
