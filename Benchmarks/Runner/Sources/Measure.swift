internal import ArgumentParser
internal import Foundation

/// `bench-runner`, without another word: measures this library and its rivals on the same work in one run.
struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures this library and its rivals, in turns, in one run.",
        discussion: """
            Prints how long it will take, a table with ratios and goals; writes result.json and index.html. \
            Trust the ratios, and the figures only on a machine that does nothing else. docs/performance.md says what \
            is measured, and how.
            """)

    @Flag(help: "A chosen part, three short rounds: about three minutes.")
    var quick = false

    @Flag(help: "All sizes, all concurrencies, on all wires; long.")
    var full = false

    @Flag(help: "A moment each, to see that everything runs; the figures say nothing.")
    var smoke = false

    @Option(help: ArgumentHelp("Only works whose name has this, of all works.", valueName: "regex"))
    var only: String?

    @Option(help: "How long one measurement takes, in seconds.")
    var seconds: Double?

    @Option(help: "How often each is measured.")
    var rounds: Int?

    @Option(help: "Calls a second of the open loops; without it 60 % of what the slowest does.")
    var rate: Double?

    @Option(help: ArgumentHelp("Programs that take part, with commas; without it all.", valueName: "names"))
    var programs: String?

    @Option(help: "Where the programs of this package and of the rivals are: the root of the repository.")
    var root = "."

    @Option(help: "Where result.json and index.html go.")
    var output: String?

    @Flag(help: "List the works and who takes part, and measure nothing.")
    var list = false

    private var level: Work.Level { quick ? .quick : full ? .full : .standard }
    /// Who asks for something by name gets it, unless it is to be quick.
    private var selection: Work.Level { only == nil || quick ? level : .full }
    private var roundCount: Int { rounds ?? (smoke ? 1 : 3) }
    private var duration: Double { seconds ?? (smoke ? 0.1 : quick ? 0.4 : full ? 2 : 0.8) }

    func validate() throws {
        guard !(quick && full) else { throw ValidationError("--quick and --full exclude each other") }
        guard (1...100).contains(roundCount) else { throw ValidationError("--rounds must be within 1...100") }
        guard (0.05...600).contains(duration) else { throw ValidationError("--seconds must be within 0.05...600") }
        guard (0.1...10_000_000).contains(rate ?? 1) else {
            throw ValidationError("--rate must be within 0.1...10000000")
        }
    }

    func run() throws {
        let works: [Work]
        do { works = try Plan.selected(selection, only: only) } catch {
            throw ValidationError("--only is no regular expression: \(error)")
        }
        guard !works.isEmpty else {
            throw ValidationError("no work has '\(only ?? "")' in its name; --list lists them")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let interruption = Interruption(removing: folder)
        defer { withExtendedLifetime(interruption) {} }

        var results = Results(
            date: Date().formatted(.iso8601), machine: .current(),
            commandLine: CommandLine.arguments.joined(separator: " "), versions: [:], roundCount: roundCount,
            seconds: duration)
        let contestants = try findContestants(folder, into: &results)
        if list { return printPlan(works, contestants) }
        try measure(works, contestants, folder, into: &results)
    }

    private func findContestants(_ folder: URL, into results: inout Results) throws -> [Contestant] {
        let wanted = programs.map { Set($0.split(separator: ",").map(String.init)) }
        for name in wanted ?? [] where !Contestant.names.contains(name) {
            throw ValidationError(
                "no program is called '\(name)'; there are: \(Contestant.names.joined(separator: ", "))")
        }
        var found: [Contestant] = []
        for name in Contestant.names where wanted?.contains(name) ?? true {
            var program = "\(root)/.build/rivals/bin/\(name)"
            if Contestant.isOurs(name) {
                program =
                    ProcessInfo.processInfo.environment["TRANSPORT_BENCH"]
                    ?? "\(root)/.build/release/\(Contestant.ours)"
            }
            do {
                let contestant = try Contestant(name: name, program: program, folder: folder)
                results.versions[name] = contestant.version
                found.append(contestant)
            } catch {
                guard name != Contestant.resilient else { continue }
                results.skipped.append(Skipped(work: "*", contestant: name, reason: "\(error)"))
                Progress.say("skipped: \(name): \(error)\n")
            }
        }
        guard !found.isEmpty else { throw ValidationError("no program is built; 'make bench' builds them") }
        return found
    }

    private func printPlan(_ works: [Work], _ contestants: [Contestant]) {
        for work in works {
            let names = players(work, contestants).map(\.name)
            print("\(work.id)  \(names.isEmpty ? "(nobody)" : names.joined(separator: " "))")
        }
        print("\(works.count) works, \(Estimate.shown(estimate(works, contestants)))")
    }

    private func players(_ work: Work, _ contestants: [Contestant]) -> [Contestant] {
        contestants.filter { $0.isMeant(for: work) && $0.reasonToSkip(work, level: level) == nil }
    }

    private func estimate(_ works: [Work], _ contestants: [Contestant]) -> Double {
        works.map { Estimate.seconds($0, players($0, contestants), rounds: roundCount, seconds: duration) }
            .reduce(0, +)
    }

    private func measure(
        _ works: [Work], _ contestants: [Contestant], _ folder: URL, into results: inout Results
    ) throws {
        let began = Date()
        print("\(results.machine.description)\nmedians of \(roundCount) rounds of \(shown(duration)) s\n")
        let names = Set(works.flatMap { players($0, contestants) }.map(\.program))
        Progress.say(
            "\(works.count) works with \(names.count) programs: \(Estimate.shown(estimate(works, contestants)))",
            isLasting: true)
        if results.machine.isBusy { Progress.say("warning: the machine does other work; trust the ratios at most\n") }
        let contest = Contest(
            contestants: contestants, certificates: try Certificates(folder: folder), folder: folder, level: level,
            rounds: roundCount, seconds: duration, rate: rate)
        contest.run(works, into: &results)

        print("\(ResultTable.make(results).text)\n\n\(ResultTable.legend)\n\n\(Goals.table(results).text)")
        for line in results.longerLines { print("measured for longer: \(line)") }
        for line in results.skippedLines { print("skipped: \(line)") }
        let folder = URL(fileURLWithPath: output ?? "\(root)/.build/bench")
        try save(results, folder)
        let taken = Date().timeIntervalSince(began)
        print(
            "\nEvery round: \(folder.path)/result.json; charts: \(folder.path)/index.html. It took \(shown(taken)) s."
        )
        // A rival's failure is its own affair.
        if results.entries.contains(where: { Contestant.isOurs($0.contestant) && $0.failure != nil }) {
            throw ExitCode.failure
        }
    }

    private func save(_ results: Results, _ folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(results).write(to: folder.appendingPathComponent("result.json"), options: .atomic)
        try Data(Page(results: results).html.utf8).write(
            to: folder.appendingPathComponent("index.html"), options: .atomic)
        let markdown = "\(ResultTable.make(results).markdown)\n\n\(Goals.table(results).markdown)\n"
        try Data(markdown.utf8).write(to: folder.appendingPathComponent("tables.md"), options: .atomic)
    }
}
