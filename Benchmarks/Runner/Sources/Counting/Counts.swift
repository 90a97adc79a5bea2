/// What one pass of a path takes.
struct Counts: Equatable {
    var instructions: Double
    var allocations: Double

    /// Of a process that ran a path some number of times, and of one that ran it twice as often: starting, which both
    /// did, drops out.
    init(of short: Total, and long: Total, passes: Int) {
        instructions = (long.instructions - short.instructions) / Double(passes)
        allocations = (long.allocations - short.allocations) / Double(passes)
    }

    init(instructions: Double, allocations: Double) {
        self.instructions = instructions
        self.allocations = allocations
    }

    /// What a whole process took.
    struct Total: Equatable {
        var instructions: Double
        var allocations: Double

        /// - Parameters:
        ///   - callgrind: The file that callgrind wrote.
        ///   - output: What the program printed.
        /// - Returns: nil when one of the two does not say.
        init?(callgrind: String, output: String) {
            func number(_ text: String, behind word: String) -> Double? {
                for line in text.split(separator: "\n") where line.hasPrefix(word) {
                    return Double(line.dropFirst(word.count).filter { $0 != " " })
                }
                return nil
            }
            guard
                let instructions = number(callgrind, behind: "totals:") ?? number(callgrind, behind: "summary:"),
                let allocations = number(output, behind: "allocations=")
            else { return nil }
            self.instructions = instructions
            self.allocations = allocations
        }
    }
}
