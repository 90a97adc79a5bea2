internal import ArgumentParser

/// Measures this library: beside its rivals, path by path, or function by function.
@main
struct BenchRunner: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-runner", abstract: "Measures this library.",
        subcommands: [Measure.self, Count.self, Profile.self], defaultSubcommand: Measure.self)
}
