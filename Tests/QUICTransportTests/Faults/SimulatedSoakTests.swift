import Foundation
import NodeTransport
import Testing
import TransportSimulation
import TransportTestKit

/// The contract over networks that a seed makes up. Runs for as many seeds as `TRANSPORT_SIMULATION_SEEDS` says, from 1
/// on; `a-b` for those from a to b.
@Suite(
    "The contract over networks that seeds make up", .timeLimit(.minutes(60)), .enabled(if: SoakSeeds.all != nil),
    .serialized)
struct SimulatedSoakTests {
    @Test(arguments: SoakSeeds.all ?? [])
    func theContractIsKept(_ seed: UInt64) async {
        let conditions = Self.conditions(seed)
        for contractCase in TransportContract.cases {
            do {
                try await SimulatedWorld.run(seed: seed, timeLimit: .seconds(100_000)) { world in
                    world.network.setDefaultConditions(conditions)
                    try await contractCase.run(SimulatedUnderTest(world))
                }
            } catch {
                Issue.record("seed \(seed), \(contractCase.name), \(conditions): \(error)")
            }
        }
    }

    /// A link that is bad, but not so bad that nobody could keep a promise on it.
    private static func conditions(_ seed: UInt64) -> LinkConditions {
        var random = SeededRandom(seed: seed)
        var conditions = LinkConditions(
            delay: .microseconds(Int.random(in: 100...80_000, using: &random)),
            loss: Double.random(in: 0...0.15, using: &random))
        conditions.jitter = .microseconds(Int.random(in: 0...5_000, using: &random))
        conditions.duplication = Double.random(in: 0...0.1, using: &random)
        conditions.reordering = Double.random(in: 0...0.1, using: &random)
        conditions.reorderingDelay = .milliseconds(Int.random(in: 1...100, using: &random))
        conditions.corruption = Bool.random(using: &random) ? 0 : Double.random(in: 0...0.03, using: &random)
        if Bool.random(using: &random) { conditions.burstLoss = .init(start: 0.02, length: 2) }
        if Bool.random(using: &random) {
            conditions.rateLimit = .init(
                bytesPerSecond: 10_000_000, queueBytes: 200_000,
                markingThresholdBytes: Bool.random(using: &random) ? 50_000 : nil)
        }
        return conditions
    }
}

/// The seeds that were asked for.
private enum SoakSeeds {
    static let all: [UInt64]? = {
        let bounds = ProcessInfo.processInfo.environment["TRANSPORT_SIMULATION_SEEDS"]?
            .split(separator: "-").compactMap { UInt64($0) }
        guard let last = bounds?.last, let first = bounds?.count == 2 ? bounds?.first : 1, first <= last else {
            return nil
        }
        return Array(first...last)
    }()
}
