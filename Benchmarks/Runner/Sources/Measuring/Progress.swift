internal import Foundation

/// Says on standard error how far the run is.
enum Progress {
    private static let isTerminal = isatty(STDERR_FILENO) == 1

    /// - Parameter transient: Only for who looks on: the next line replaces it.
    /// - Parameter isLasting: The next line leaves it where it is.
    static func say(_ text: String, transient: Bool = false, isLasting: Bool = false) {
        if isTerminal {
            write("\r\u{1b}[K\(text)\(isLasting ? "\n" : "")")
        } else if !transient {
            write("\(text)\n")
        }
    }

    static func complain(_ text: String) { write((isTerminal ? "\r\u{1b}[K" : "") + "failed: \(text)\n") }

    static func clear() { if isTerminal { write("\r\u{1b}[K") } }

    private static func write(_ text: String) {
        do {
            try FileHandle.standardError.write(contentsOf: Data(text.utf8))
        } catch {
            // Nobody looks on any more.
            Interruption.end(SIGPIPE)
        }
    }
}
