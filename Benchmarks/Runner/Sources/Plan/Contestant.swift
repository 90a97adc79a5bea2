internal import Foundation

/// A program that follows the command line of Benchmarks/README.md.
struct Contestant {
    static let ours = "transport-bench"
    /// All that may take part, in the order of the table.
    static let names = [ours, "grpc-cpp", "grpc-swift", "grpcio", "quinn", "quic-go", "aioquic", "limits"]

    let name: String
    let program: String
    let version: String
    /// WIRE:SCENARIO pairs.
    let pairs: Set<String>

    /// Asks the program what it is.
    init(name: String, program: String, folder: URL) throws {
        self.name = name
        self.program = program
        guard FileManager.default.isExecutableFile(atPath: program) else { throw Failure("it is not built") }
        version = try Child.run(program, ["version"], folder: folder).trimmingCharacters(in: .whitespacesAndNewlines)
        pairs = Set(try Child.run(program, ["scenarios"], folder: folder).split(separator: "\n").map(String.init))
    }

    func knows(wire: String) -> Bool { pairs.contains { $0.hasPrefix(wire + ":") } }

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
