internal import Foundation

/// What each path took when somebody last looked, in a text file with a line for each: path, instructions, allocations.
struct Thresholds: Equatable {
    /// How much more or less is let pass.
    static let tolerance = 0.1
    /// The same for allocations, of which there are few: one in so many passes is an array that grew.
    static let allocationTolerance = 0.1

    /// Lines that begin with `#`: with what the figures were taken, for instance.
    var remarks: [String] = []
    var counts: [String: Counts] = [:]

    init(counts: [String: Counts] = [:], remarks: [String] = []) {
        self.counts = counts
        self.remarks = remarks
    }

    /// - Throws: ``Failure`` that names the line which is none.
    init(_ text: String) throws {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            if line.hasPrefix("#") {
                remarks.append(line.dropFirst().trimmingCharacters(in: .whitespaces))
                continue
            }
            let words = line.split(separator: "\t")
            guard words.count == 3, let instructions = Double(words[1]), let allocations = Double(words[2]),
                instructions.isFinite, allocations.isFinite
            else { throw Failure("line \(number + 1) of the thresholds is not 'path, instructions, allocations'") }
            counts[String(words[0])] = Counts(instructions: instructions, allocations: allocations)
        }
    }

    var text: String {
        let lines =
            remarks.map { "# \($0)" }
            + counts.sorted { $0.key < $1.key }.map { path, counts in
                "\(path)\t\(String(format: "%.0f\t%.2f", counts.instructions, max(counts.allocations, 0)))"
            }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What is to be said of a figure.
    enum Verdict: Equatable {
        case kept
        /// It is more than the limit.
        case risen
        /// It is so much less that the threshold is to be lowered, or it holds nothing.
        case fallen
        /// There is no threshold.
        case unknown
    }

    static func instructionLimit(_ threshold: Double) -> Double { threshold * (1 + tolerance) }

    static func allocationLimit(_ threshold: Double) -> Double {
        threshold + max(threshold * tolerance, allocationTolerance)
    }

    func verdict(_ path: String, _ measured: Counts) -> (instructions: Verdict, allocations: Verdict) {
        guard let threshold = counts[path] else { return (.unknown, .unknown) }
        func judge(_ value: Double, _ threshold: Double, _ limit: Double) -> Verdict {
            value > limit ? .risen : value < threshold - (limit - threshold) ? .fallen : .kept
        }
        return (
            judge(
                measured.instructions, threshold.instructions, Self.instructionLimit(threshold.instructions)),
            judge(measured.allocations, threshold.allocations, Self.allocationLimit(threshold.allocations))
        )
    }

    /// Paths that have a threshold and were not measured.
    func missing(in measured: [String]) -> [String] { counts.keys.filter { !measured.contains($0) }.sorted() }
}
