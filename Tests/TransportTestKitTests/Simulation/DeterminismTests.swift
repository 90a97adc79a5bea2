import NodeTransport
import Testing
import TransportTestKit

@Suite("A simulation is repeatable")
struct DeterminismTests {
    static func run(seed: UInt64, count: Int = 2_500, otherTraffic: Bool = false) throws -> (
        SimulationTrace, [Traffic.Arrival]
    ) {
        let traffic = try Traffic(seed: seed) { conditions in
            conditions.loss = 0.1
            conditions.burstLoss = .init(start: 0.02, length: 3)
            conditions.delay = .milliseconds(10)
            conditions.jitter = .milliseconds(4)
            conditions.reordering = 0.1
            conditions.duplication = 0.1
            conditions.corruption = 0.1
            conditions.rateLimit = .init(bytesPerSecond: 200_000, queueBytes: 3_000)
        }
        if otherTraffic {
            traffic.network.setConditions(LinkConditions(delay: .milliseconds(1), loss: 0.5), from: "b", to: "a")
            for _ in 0..<50 { traffic.receiver.send([1], to: traffic.sender.address) }
        }
        try traffic.send(count)
        return (traffic.network.trace, traffic.arrivals)
    }

    @Test("The same seed gives the very same run", arguments: [UInt64(0), 1, 0xdead_beef, .max])
    func repeats(seed: UInt64) throws {
        let (first, second) = (try Self.run(seed: seed), try Self.run(seed: seed))
        #expect(first.0.count > 4_096, "seed \(seed)")
        #expect(first.0.entries == second.0.entries, "seed \(seed)")
        #expect(first.0.digest == second.0.digest && first.0.count == second.0.count, "seed \(seed)")
        #expect(first.1 == second.1, "seed \(seed)")
    }

    @Test func anotherSeedGivesAnother() throws {
        #expect(try Set((0..<10).map { try Self.run(seed: $0, count: 100).0.digest }).count == 10)
    }

    @Test func whatOneLinkCarriesChangesNothingForAnother() throws {
        #expect(try Self.run(seed: 5, count: 500).1 == Self.run(seed: 5, count: 500, otherTraffic: true).1)
    }

    @Test func theTraceKeepsTheLatestAndNamesThem() throws {
        let (trace, _) = try Self.run(seed: 3)
        #expect(trace.entries.count == 4_096)
        #expect(zip(trace.entries, trace.entries.dropFirst()).allSatisfy { $0.time <= $1.time })
        let lines = trace.text(last: 3).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.contains("10.0.0.1:1 → 10.0.0.2:2, 100 bytes, ECN 2") })
    }
}
