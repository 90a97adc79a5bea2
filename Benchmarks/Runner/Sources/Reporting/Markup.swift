internal import Foundation

/// Text that is safe between tags and in attributes.
func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
        .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
}

/// A coordinate with one decimal place.
func pixel(_ value: Double) -> String { String(format: "%.1f", value.isFinite ? value : 0) }

/// Pieces of SVG. Classes get their colours from the page.
enum SVG {
    static func text(_ x: Double, _ y: Double, _ text: String, anchor: String = "start", kind: String = "label")
        -> String
    {
        "<text class=\"\(kind)\" x=\"\(pixel(x))\" y=\"\(pixel(y))\" text-anchor=\"\(anchor)\">\(escaped(text))</text>"
    }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, kind: String) -> String {
        "<line class=\"\(kind)\" x1=\"\(pixel(x1))\" y1=\"\(pixel(y1))\" x2=\"\(pixel(x2))\" y2=\"\(pixel(y2))\"/>"
    }

    static func bar(_ x: Double, _ y: Double, _ width: Double, _ height: Double, color: String, pale: Bool = false)
        -> String
    {
        "<rect x=\"\(pixel(x))\" y=\"\(pixel(y))\" width=\"\(pixel(max(width, 0.5)))\" height=\"\(pixel(height))\" "
            + "fill=\"\(color)\"\(pale ? " fill-opacity=\"0.45\"" : "")/>"
    }

    static func drawing(width: Double, height: Double, title: String, _ parts: [String]) -> String {
        "<svg viewBox=\"0 0 \(pixel(width)) \(pixel(height))\" role=\"img\" aria-label=\"\(escaped(title))\">"
            + "<title>\(escaped(title))</title>" + parts.joined(separator: "\n") + "</svg>"
    }
}

/// A colour for each contestant, the same in all charts; they can be told apart by people who see no red or green.
enum Palette {
    private static let colors = [
        "#0072b2", "#7fb8d8", "#d55e00", "#e69f00", "#999999", "#009e73", "#cc79a7", "#56b4e9", "#a6761d", "#777777",
    ]

    static func color(_ contestant: String) -> String {
        colors[(Contestant.names.firstIndex(of: contestant) ?? colors.count - 1) % colors.count]
    }
}
