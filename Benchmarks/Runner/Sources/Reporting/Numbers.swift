internal import Foundation

/// A number as short as its size allows: 0.42, 7.31, 42.1, 1,234.
func shown(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    let magnitude = abs(value)
    if magnitude >= 100 { return grouped(value) }
    return String(format: magnitude < 10 ? "%.2f" : "%.1f", value)
}

/// The same for a mark of an axis: whole numbers have no decimals.
func shownTick(_ value: Double) -> String { value == value.rounded() ? grouped(value) : shown(value) }

private func grouped(_ value: Double) -> String {
    let digits = String(format: "%.0f", abs(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (value < 0 ? "−" : "") + text
}
