internal import ArgumentParser

/// Serves and calls one small method, to measure the transports from outside.
@main
struct TransportBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transport-bench",
        abstract: "Measures the transports: one process serves, another calls.",
        subcommands: [Serve.self, Call.self])
}
