internal import ArgumentParser
internal import Foundation

/// `bench-runner profile`: where one end of this library spends its time in one of the benchmark's works.
struct Profile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Records one end of a work with perf, and draws a flame graph.",
        discussion: """
            Client and server run as in the benchmark, on this machine. The ten hottest functions are printed; the graph \
            and the stacks, which other tools can draw too, go to the folder of the output.
            """)

    enum Side: String, ExpressibleByArgument, CaseIterable {
        case server, client
    }

    @Option(help: "The work, as 'make bench' names it.")
    var scenario = "grpc:unary:64B:c100"

    @Option(help: "Which end is recorded: \(Side.allCases.map(\.rawValue).joined(separator: " or ")).")
    var side = Side.server

    @Option(help: "For how long, in seconds.")
    var seconds = 5.0

    @Option(help: "The root of the repository.")
    var root = "."

    @Option(help: "Where the graph goes.")
    var output: String?

    /// A prime, so that nothing that happens regularly is met again and again; samples a second.
    private static let frequency = 997
    private static let shownFunctions = 10
    /// A client that has used so much processor time is past its start, in microseconds.
    private static let busyMicroseconds = 50_000.0

    func validate() throws {
        guard (0.5...600).contains(seconds) else { throw ValidationError("--seconds must be within 0.5...600") }
        guard Self.work(scenario) != nil else {
            throw ValidationError(
                "'\(scenario)' is no work that a client and a server do; 'make bench ARGS=\"--full --list\"' lists them"
            )
        }
    }

    private static func work(_ name: String) -> Work? {
        let works = (try? Plan.selected(.full, only: nil)) ?? []
        return works.first { $0.id == name && $0.kind == .closed }
    }

    func run() throws {
        guard let work = Self.work(scenario) else { return }
        guard let perf = Child.find("perf") else {
            throw Failure("perf is not in PATH; Debian's package of it is linux-perf")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("profile-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let interruption = Interruption(removing: folder)
        defer { withExtendedLifetime(interruption) {} }
        let stacks = try record(work, perf, folder)
        guard stacks.total > 0 else { throw Failure("perf took no samples of the \(side.rawValue)") }
        try report(try stacks.renamed(SymbolNames.demangled(stacks.functions, folder: folder)))
    }

    private func record(_ work: Work, _ perf: String, _ folder: URL) throws -> Stacks {
        let program =
            ProcessInfo.processInfo.environment["TRANSPORT_BENCH"] ?? "\(root)/.build/release/\(Contestant.ours)"
        let contestant = try Contestant(name: Contestant.ours, program: program, folder: folder)
        let certificates = try Certificates(folder: folder)
        let server = try Server(contestant, wire: work.wire, certificates: certificates, folder: folder)
        defer { server.child.end() }
        var arguments = [
            "call", "--wire", work.wire, "--to", "127.0.0.1:\(server.port)", "--scenario", work.scenario,
            "--concurrency", "\(work.concurrency)", "--connections", "\(work.connections)", "--seconds",
            "\(2 * seconds + 20)", "--ca", certificates.authority,
        ]
        if let size = work.size { arguments += ["--size", "\(size)"] }
        // It is ended when enough has been recorded.
        let client = try Child(contestant.program, arguments, folder: folder, name: "client")
        defer { client.end() }
        try waitUntilBusy(client)
        let recorded = side == .server ? server.child.pid : client.pid
        let data = folder.appendingPathComponent("perf.data").path
        // Frame pointers: the Swift compiler keeps them, and the stacks of other kinds are too large to be many.
        let recorder = try Child(
            perf,
            [
                "record", "--quiet", "-F", "\(Self.frequency)", "--call-graph", "fp", "-o", data, "-p", "\(recorded)",
                "--", "sleep", "\(seconds)",
            ], folder: folder, name: "perf")
        defer { recorder.end() }
        Progress.say("\(work.id): recording the \(side.rawValue) for \(shown(seconds)) s", transient: true)
        let status = recorder.wait(seconds: seconds + 30)
        Progress.clear()
        guard client.wait(seconds: 0) == nil else { throw Failure("the client ended: \(client.complaint)") }
        guard status == 0 else {
            throw Failure(
                "perf could not record, status \(status ?? -1): \(recorder.complaint)\n"
                    + "       May you? As root: sysctl kernel.perf_event_paranoid=1, or run this as root")
        }
        return Stacks(
            perfScript: try Child.run(
                perf, ["script", "-i", data, "-F", "comm,ip,sym,dso"], folder: folder, seconds: 300))
    }

    /// Threads that begin later, perf does not follow.
    private func waitUntilBusy(_ client: Child) throws {
        for _ in 0..<1_000 {
            if let used = ProcessStatus.processorMicroseconds(client.pid), used >= Self.busyMicroseconds { return }
            guard client.wait(seconds: 0.01) == nil else { throw Failure("the client: \(client.complaint)") }
        }
        throw Failure("the client does nothing")
    }

    private func report(_ stacks: Stacks) throws {
        print("\(scenario), \(side.rawValue), \(stacks.total) samples; the hottest functions without what they call:\n")
        for (frame, count) in stacks.hottest.prefix(Self.shownFunctions) {
            let share = "\(shown(100 * Double(count) / Double(stacks.total))) %"
            print(
                String(repeating: " ", count: max(0, 8 - share.count))
                    + "\(share)  \(frame.function)  [\(frame.binary)]")
        }
        let folder = URL(fileURLWithPath: output ?? "\(root)/.build/bench")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let name = "profile-\(scenario.replacing(":", with: "-"))-\(side.rawValue)"
        let graph = FlameGraph(title: "\(scenario), \(side.rawValue)", stacks: stacks)
        try Data(graph.svg.utf8).write(to: folder.appendingPathComponent("\(name).svg"), options: .atomic)
        try Data(stacks.folded.utf8).write(to: folder.appendingPathComponent("\(name).folded"), options: .atomic)
        print("\nFlame graph: \(folder.path)/\(name).svg; its stacks: \(name).folded")
    }
}
