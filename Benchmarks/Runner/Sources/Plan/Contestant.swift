internal import Foundation

/// A program that follows the command line of Benchmarks/README.md.
struct Contestant {
    static let ours = "transport-bench"
    /// All that may take part, in the order of the table.
    static let names = [
        ours, resilient, "grpc-cpp", "grpc-swift", "grpcio", "quinn", "quic-go", "aioquic", "gtls", "limits",
    ]
    /// Ours once more, with the whole resilience stack around the client's wire: what does the stack take?
    static let resilient = "transport-bench-resilient"

    let name: String
    let program: String
    let version: String
    /// WIRE:SCENARIO pairs.
    let pairs: Set<String>
    /// What its `call` takes besides.
    let callOptions: [String]

    /// A program of which this is known already.
    init(name: String, program: String = "", version: String, pairs: Set<String>) {
        self.name = name
        self.program = program
        self.version = version
        self.pairs = pairs
        callOptions = name == Self.resilient ? ["--resilient"] : []
    }

    /// Asks the program what it is.
    init(name: String, program: String, folder: URL) throws {
        guard FileManager.default.isExecutableFile(atPath: program) else { throw Failure("it is not built") }
        let version = try Child.run(program, ["version"], folder: folder).trimmingCharacters(
            in: .whitespacesAndNewlines)
        let pairs = try Child.run(program, ["scenarios"], folder: folder).split(separator: "\n").map(String.init)
        self.init(name: name, program: program, version: version, pairs: Set(pairs))
    }

    /// Whether its programs take long to begin: Python's do.
    var isSlowToStart: Bool { name == "grpcio" || name == "aioquic" }

    /// Whether this library is what runs.
    static func isOurs(_ name: String) -> Bool { name == ours || name == resilient }

    /// Whether it has anything to do with it: that a program of another wire does not take part is no news, nor that one
    /// that was made for a single scenario does not in others.
    func isMeant(for work: Work) -> Bool {
        if name == Self.resilient, !work.hasStack { return false }
        return pairs.count == 1 ? pairs.contains(work.pair) : pairs.contains { $0.hasPrefix(work.wire + ":") }
    }

    /// - Returns: nil, or why it does not take part.
    func reasonToSkip(_ work: Work, level: Work.Level) -> String? {
        guard pairs.contains(work.pair) else { return "does not know \(work.pair)" }
        guard level == .quick else { return nil }
        // What is far behind everybody, and what no goal asks for, takes no time of a quick run.
        if name == "grpcio" || (name == "aioquic" && work.wire == "quic") { return "left out by --quick" }
        if work.kind == .idle, name != Self.ours { return "left out by --quick" }
        return nil
    }
}
