internal import Foundation

/// Call stacks that were sampled, the same ones counted together.
struct Stacks: Equatable {
    /// A function on a stack.
    struct Frame: Hashable {
        var function: String
        /// The program or library it is in, without its folder; `[kernel]` for the kernel.
        var binary: String
    }

    /// How often each stack was seen; the outermost function comes first.
    private(set) var counts: [[Frame]: Int] = [:]
    private(set) var total = 0

    /// Reads what `perf script -F comm,ip,sym,dso` prints: blocks with a line for the program, and one for each function,
    /// the innermost first. Functions that perf cannot name go by their library; lines that are nothing are passed over.
    init(perfScript text: String) {
        var stack: [Frame] = []
        func finish() {
            if !stack.isEmpty { add(stack.reversed()) }
            stack = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                finish()
            } else if line.first == "\t" || line.first == " ", let frame = Self.frame(line) {
                // What could not be named is one step, however many addresses it has.
                if frame.function.hasPrefix("["), stack.last == frame { continue }
                stack.append(frame)
            }
        }
        finish()
    }

    private static func frame(_ line: Substring) -> Frame? {
        let words = line.drop { $0 == " " || $0 == "\t" }
        guard let space = words.firstIndex(of: " "), words[..<space].allSatisfy(\.isHexDigit),
            let open = words.range(of: " (", options: .backwards), words.last == ")"
        else { return nil }
        var function = String(words[words.index(after: space)..<max(open.lowerBound, words.index(after: space))])
        let path = words[open.upperBound...].dropLast()
        guard path != "[unknown]" else { return nil }
        let binary = path.hasPrefix("[") ? "[kernel]" : String(path.split(separator: "/").last ?? path)
        if function == "[unknown]" || function.isEmpty { function = "[\(binary)]" }
        return Frame(function: function, binary: binary)
    }

    private mutating func add(_ stack: [Frame]) {
        counts[stack, default: 0] += 1
        total += 1
    }

    /// The names of all functions.
    var functions: Set<String> { Set(counts.keys.joined().map(\.function)) }

    /// The same with other names for functions; stacks that are the same then are counted together.
    func renamed(_ names: [String: String]) -> Stacks {
        var copy = self
        copy.counts = [:]
        for (stack, count) in counts {
            let renamed = stack.map { Frame(function: names[$0.function] ?? $0.function, binary: $0.binary) }
            copy.counts[renamed, default: 0] += count
        }
        return copy
    }

    /// In how many samples each function was the one that ran, the most frequent first.
    var hottest: [(frame: Frame, count: Int)] {
        var own: [Frame: Int] = [:]
        for (stack, count) in counts { if let last = stack.last { own[last, default: 0] += count } }
        return own.map { ($0.key, $0.value) }.sorted {
            ($1.1, $0.0.function, $0.0.binary) < ($0.1, $1.0.function, $1.0.binary)
        }.map { (frame: $0.0, count: $0.1) }
    }

    /// A line for each stack: its functions with semicolons, and the count; what other tools that draw flame graphs read.
    var folded: String {
        counts.map { stack, count in
            stack.map { $0.function.replacing(";", with: ",") }.joined(separator: ";") + " \(count)"
        }.sorted().joined(separator: "\n") + "\n"
    }
}
