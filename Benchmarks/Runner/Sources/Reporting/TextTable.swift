/// Columns of text, the first ones to the left and the rest to the right.
struct TextTable {
    var leftColumns = 2
    var rows: [[String]] = []

    var text: String {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column < leftColumns ? cell + space : space + cell
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }

    /// The same for a page in Markdown; the first row is the head.
    var markdown: String {
        guard let head = rows.first else { return "" }
        let rule = head.indices.map { $0 < leftColumns ? "---" : "---:" }
        return ([head, rule] + rows.dropFirst()).map { "| " + $0.joined(separator: " | ") + " |" }
            .joined(separator: "\n")
    }
}
