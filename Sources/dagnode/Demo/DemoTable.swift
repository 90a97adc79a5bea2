internal import Foundation

/// What one node has done.
struct DemoRow: Sendable {
    let name: String
    let submission: DemoSubmission
    let stored: UInt64
    let repaired: UInt64
    /// Acknowledged by any node and not here.
    let missing: Int
    /// Here with another payload.
    let damaged: Int
    let answered: UInt64
}

/// The result, a row for each node.
struct DemoTable {
    private let rows: [DemoRow]

    init(_ rows: [DemoRow]) { self.rows = rows }

    /// Whether nothing is missing, damaged or refused.
    var isComplete: Bool { rows.allSatisfy { $0.missing == 0 && $0.damaged == 0 && $0.submission.refused == 0 } }

    var lines: [String] {
        let head = [
            "node", "submitted", "acknowledged", "stored", "repaired", "missing", "damaged", "PoH answered", "seconds",
            "tx/s",
        ]
        let cells = [head] + rows.map(cells)
        let widths = head.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { row in
            zip(row, widths).map { text, width in String(repeating: " ", count: width - text.count) + text }
                .joined(separator: "  ")
        }
        let acknowledged = rows.reduce(0) { $0 + $1.submission.acknowledged.count }
        let missing = rows.reduce(0) { $0 + $1.missing }
        let damaged = rows.reduce(0) { $0 + $1.damaged }
        let verdict =
            isComplete
            ? "Nothing acknowledged was lost: \(acknowledged) transactions, each on \(rows.count) nodes, every payload as it was sent."
            : "LOST: of \(acknowledged) acknowledged transactions \(missing) are missing somewhere, \(damaged) differ."
        return [""] + lines + ["", verdict]
    }

    private func cells(_ row: DemoRow) -> [String] {
        let seconds = row.submission.duration / .seconds(1)
        let rate = seconds > 0 ? Double(row.submission.acknowledged.count) / seconds : 0
        return [
            row.name, "\(row.submission.submitted)", "\(row.submission.acknowledged.count)", "\(row.stored)",
            "\(row.repaired)", "\(row.missing)", "\(row.damaged)", "\(row.answered)", String(format: "%.2f", seconds),
            String(format: "%.0f", rate),
        ]
    }
}
