internal import Foundation
#if canImport(Glibc)
    internal import Glibc
#endif

/// What the program says: results on standard output, all else on standard error.
enum Console {
    /// Whether standard output is a terminal.
    static var isTerminal: Bool { isatty(1) == 1 }

    /// One line, at once, also into a pipe.
    static func print(_ line: String) { write(line + "\n", to: .standardOutput) }

    /// Text without an end of line.
    static func printPart(_ text: String) { write(text, to: .standardOutput) }

    static func note(_ line: String) { write(line + "\n", to: .standardError) }

    /// Says in one line why the program ends.
    static func fail(_ message: String, isUsage: Bool = false) {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        note("dagnode: \(line)\(isUsage ? " (try --help)" : "")")
    }

    /// A value as JSON on one line.
    static func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    private static func write(_ text: String, to handle: FileHandle) {
        // Whoever reads may have gone; that is no reason to fail.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
