internal import ArgumentParser

/// Serves and calls `echo.Echo`, to measure the transports from outside. The command line is that of the rivals too;
/// Benchmarks/README.md describes it.
@main
struct TransportBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transport-bench",
        abstract: "Measures the transports: one process serves, another calls.",
        subcommands: [Serve.self, Call.self, Scenarios.self, Version.self])
}

struct Scenarios: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists what can be measured, WIRE:SCENARIO in each line.")

    func run() {
        for wire in Wire.allCases {
            for scenario in Scenario.allCases where wire.supports(scenario) {
                print("\(wire.rawValue):\(scenario.rawValue)")
            }
        }
    }
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Says what is measured.")

    func run() { print("swift-node-transport") }
}
