/// What Package.swift declares, as far as the direction of dependencies needs it.
///
/// The text is read rather than SwiftPM asked, which would wait for the lock that the running test holds.
struct Manifest {
    /// For each target, the modules of this package that it names as dependencies.
    var dependencies: [String: Set<String>] = [:]

    /// The heads of the calls that declare a target which is not a test.
    private static let heads = ["module(\"", "program(\"", ".target(name: \"", ".executableTarget(name: \""]

    init(_ text: String, modules: Set<String>) {
        let flat = text.split(separator: "\n")
            .map { line in line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line }
            .joined(separator: " ")
            .split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
            .replacing("( ", with: "(")
        for head in Self.heads {
            for start in flat.ranges(of: head) {
                let call = Self.call(in: flat[flat.index(before: start.upperBound)...])
                let literals = Self.stringLiterals(of: call)
                guard let name = literals.first, modules.contains(name) else { continue }
                dependencies[name, default: []].formUnion(literals.dropFirst().filter(modules.contains))
            }
        }
    }

    /// The text up to the parenthesis that closes the call in which it begins.
    private static func call(in text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }

    private static func stringLiterals(of text: Substring) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { index, _ in !index.isMultiple(of: 2) }
            .map { _, literal in String(literal) }
    }
}
