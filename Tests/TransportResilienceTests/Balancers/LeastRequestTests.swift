import NodeTransport
import Synchronization
import Testing

@testable import TransportResilience

@Suite("Least request of two")
struct LeastRequestTests {
    @Test("Of two peers always the one with fewer calls", arguments: randomSeeds)
    func fewer(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let targets = try [PickTarget.numbered(0, calls: 3), .numbered(1, calls: 2)]
        for _ in 0..<100 { #expect(LeastRequest.pick(targets, among: targets.indices, random: &random) == 1) }
    }

    @Test("The busiest of all is never taken, the others are", arguments: randomSeeds)
    func busiest(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let targets = try (0..<5).map { try PickTarget.numbered($0, calls: $0 == 2 ? 9 : 1) }
        let picks = Set((0..<1000).map { _ in LeastRequest.pick(targets, among: targets.indices, random: &random) })
        #expect(picks == [0, 1, 3, 4])
    }

    @Test("Calls that stay are spread evenly, by weight", arguments: randomSeeds)
    func spread(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let weights = [1, 1, 2, 4]
        let targets = try weights.enumerated().map { try PickTarget.numbered($0, weight: $1) }
        for _ in 0..<8000 {
            let picked = LeastRequest.pick(targets, among: targets.indices, random: &random)
            let index = try #require(picked)
            targets[index].load.callsInFlight.add(1, ordering: .relaxed)
        }
        let calls = targets.map(\.callsInFlight)
        for (count, share) in zip(calls, [1000, 1000, 2000, 4000]) {
            #expect(abs(count - share) < share / 5, "\(calls)")
        }
    }
}
