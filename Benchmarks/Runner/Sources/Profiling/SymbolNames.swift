internal import Foundation

/// Readable names for Swift's symbols.
enum SymbolNames {
    /// The readable name of each mangled one among `symbols`; none when there is no `swift` to ask.
    static func demangled(_ symbols: Set<String>, folder: URL) throws -> [String: String] {
        let mangled = symbols.filter { $0.hasPrefix("$s") || $0.hasPrefix("$S") }.sorted()
        guard !mangled.isEmpty, let swift = Child.find("swift") else { return [:] }
        let file = folder.appendingPathComponent("symbols")
        try Data(mangled.joined(separator: "\n").utf8).write(to: file)
        let output = try Child.run(
            "/bin/sh", ["-c", "exec \"$0\" demangle --compact --simplified <\"$1\"", swift, file.path], folder: folder,
            seconds: 60)
        let names = output.split(separator: "\n", omittingEmptySubsequences: false).prefix(mangled.count)
        guard names.count == mangled.count else { return [:] }
        return Dictionary(uniqueKeysWithValues: zip(mangled, names.map { shortened(String($0)) }))
    }

    /// Without what says how the compiler made the function rather than which it is.
    static func shortened(_ name: String) -> String {
        var name = name
        var isResumed = false
        while let match = name.firstMatch(of: #/^\(\d+\) (await|suspend) resume partial function for /#) {
            name.removeSubrange(match.range)
            isResumed = true
        }
        for prefix in [
            "specialized ", "merged ", "partial apply forwarder for ", "partial apply for ", "@objc ",
            "function signature specialization of ",
        ] {
            while let range = name.range(of: prefix) { name.removeSubrange(range) }
        }
        return isResumed ? name + " (resumed)" : name
    }
}
