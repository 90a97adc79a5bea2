internal import ArgumentParser
internal import Foundation

/// `bench-runner count`: the exact figures of single paths, held against their thresholds.
struct Count: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Counts the instructions and allocations of single paths.",
        discussion: """
            Each path runs twice under callgrind, the second time twice as often; the difference is what its passes took. \
            Fails when a figure is more than 10 % above its threshold. docs/performance.md says what the figures \
            depend on.
            """)

    @Option(help: "The program, without its debug information, which valgrind does not bear.")
    var program = ".build/counts/exact-counts"

    @Option(help: "The file with the thresholds.")
    var thresholds = "Benchmarks/thresholds.tsv"

    @Option(help: "What callgrind writes goes here, a file for each path, for callgrind_annotate.")
    var output = ".build/counts"

    @Option(help: ArgumentHelp("Only paths whose name has this.", valueName: "regex"))
    var only: String?

    @Option(help: "With what the program was built and runs; kept with thresholds that are rewritten.")
    var versions: String?

    @Flag(help: "Make the figures of this run the thresholds.")
    var update = false

    /// How long the two runs of a path may take, in seconds.
    private static let patience = 300.0

    func run() throws {
        // What a hash seed makes different, each run would.
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        let folder = URL(fileURLWithPath: output)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let valgrind = Child.find("valgrind") else {
            throw Failure("valgrind is not in PATH; 'scripts/bootstrap count' installs it")
        }
        let file = URL(fileURLWithPath: thresholds)
        let isThere = FileManager.default.fileExists(atPath: file.path)
        let known = try isThere ? Thresholds(String(contentsOf: file, encoding: .utf8)) : Thresholds()
        let paths = try selectedPaths(folder)
        var measured: [(path: String, counts: Counts)] = []
        for (index, path) in paths.enumerated() {
            Progress.say("\(index + 1) of \(paths.count): \(path.name)", transient: true)
            measured.append((path.name, try count(path, valgrind, folder)))
        }
        Progress.clear()
        let report = CountReport(thresholds: known, measured: measured, isComplete: only == nil)
        print(report.table.text + "\n")
        if report.goals.rows.count > 1 { print(report.goals.text + "\n") }
        if update { return try write(measured, known, to: file) }
        try conclude(report)
    }

    private func conclude(_ report: CountReport) throws {
        for line in report.improvements { print("fallen: \(line)") }
        if !report.improvements.isEmpty {
            print("Lower the thresholds, so that they hold what was won: make counts ARGS=--update\n")
        }
        guard !report.failures.isEmpty else { return }
        for line in report.failures { print("FAILED: \(line)") }
        print(
            """
            Find out where with: callgrind_annotate \(output)/PATH.callgrind (the path with - for :)
            If it has to be so: make counts ARGS=--update, and say why in the commit.
            Thresholds taken with: \(report.thresholds.remarks.last ?? "unknown"). Now: \(versions ?? "unknown").
            """)
        throw ExitCode.failure
    }

    private func write(
        _ measured: [(path: String, counts: Counts)], _ known: Thresholds, to file: URL
    ) throws {
        var new = only == nil ? Thresholds() : known
        for (path, counts) in measured { new.counts[path] = counts }
        new.remarks = ["path, instructions, allocations: 'make counts ARGS=--update' writes this file", versions ?? ""]
        try Data(new.text.utf8).write(to: file, options: .atomic)
        print("\(file.path) is new.")
    }

    private struct Path {
        var name: String
        var passes: Int
    }

    private func selectedPaths(_ folder: URL) throws -> [Path] {
        let wanted: Regex<AnyRegexOutput>?
        do { wanted = try only.map { try Regex($0) } } catch {
            throw ValidationError("--only is no regular expression: \(error)")
        }
        let paths = try Child.run(program, ["list"], folder: folder).split(separator: "\n").compactMap {
            line -> Path? in
            let words = line.split(separator: "\t")
            guard words.count == 2, let passes = Int(words[1]), passes > 0 else { return nil }
            return Path(name: String(words[0]), passes: passes)
        }.filter { path in wanted.map { path.name.contains($0) } ?? true }
        guard !paths.isEmpty else { throw Failure("there is nothing to count") }
        return paths
    }

    private func count(_ path: Path, _ valgrind: String, _ folder: URL) throws -> Counts {
        // Both at a time: nothing of what is counted depends on how fast they are.
        let runs = try [1, 2].map { factor in
            let file = "\(path.name.replacing(":", with: "-")).\(factor == 1 ? "short" : "callgrind")"
            let child = try Child(
                valgrind,
                [
                    "--tool=callgrind", "--callgrind-out-file=\(folder.path)/\(file)", program, path.name,
                    "\(factor * path.passes)",
                ], folder: folder, name: "run-\(factor)")
            return (child, folder.appendingPathComponent(file))
        }
        defer { for (child, _) in runs { child.end() } }
        let totals = try runs.map { child, file in
            guard let status = child.wait(seconds: Self.patience) else { throw Failure("\(path.name) did not end") }
            let written = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            guard status == 0, let total = Counts.Total(callgrind: written, output: child.output) else {
                throw Failure("\(path.name) ended with \(status): \(child.complaint)")
            }
            return total
        }
        try? FileManager.default.removeItem(at: runs[0].1)
        return Counts(of: totals[0], and: totals[1], passes: path.passes)
    }
}
