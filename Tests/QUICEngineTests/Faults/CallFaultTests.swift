import QUICEngine
import Testing

/// Calls over HTTP/3 over QUIC while everything goes wrong: each ends by its deadline, none is executed twice,
/// nothing is left.
@Suite("Calls under faults")
struct CallFaultTests {
    @Test(arguments: FaultSeeds.chunks)
    func `Each call ends by its deadline and is executed at most once`(seeds: Range<UInt64>) throws {
        let (client, server) = try (QUICCredentials.client(alpn: ["h3"]), QUICCredentials.steadyServer(alpn: ["h3"]))
        var tally = FaultRun.Tally()
        for seed in seeds {
            let run = FaultRun(seed: seed, client: client, server: server)
            run.run()
            tally += run.tally
            if FaultSeeds.only != nil { print(run.trace) }
            guard !run.problems.isEmpty else { continue }
            let problems = run.problems.joined(separator: "\n")
            Issue.record("seed \(seed): \(problems)\nrepeat it with QUIC_FAULT_SEED=\(seed)\n\(run.trace)")
        }
        if FaultSeeds.isVerbose { print("seeds \(seeds): \(tally)") }
        // Faults that let nothing through would prove nothing.
        if seeds.count >= 20 {
            #expect(tally.answered > (tally.failed + tally.expired) && tally.expired > 0, "\(tally)")
        }
    }
}
