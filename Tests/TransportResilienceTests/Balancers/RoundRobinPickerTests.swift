import NodeTransport
import Testing

@testable import TransportResilience

@Suite("Round robin")
struct RoundRobinPickerTests {
    @Test("Peers of one weight take turns", arguments: randomSeeds)
    func turns(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let targets = try (0..<5).map { try PickTarget.numbered($0) }
        var picker = Picker(.roundRobin, targets, random: &random)
        let picks = (0..<20).map { _ in picker.pick(.test(), targets, random: &random) }
        for turn in 0..<4 { #expect(Set(picks[(5 * turn)..<(5 * turn + 5)]) == [0, 1, 2, 3, 4]) }
    }

    @Test("In as many picks as the weights' sum each peer has its weight, spread out")
    func weights() throws {
        var random = PickRandom(seed: 1)
        let targets = try [5, 1, 1].enumerated().map { try PickTarget.numbered($0, weight: $1) }
        var picker = RoundRobinPicker(targets, random: &random)
        var counts = [0, 0, 0]
        var longestRun = 0
        var run = 0
        for _ in 0..<700 {
            let picked = picker.pick(among: targets.indices)
            let index = try #require(picked)
            counts[index] += 1
            run = index == 0 ? run + 1 : 0
            longestRun = max(longestRun, run)
        }
        #expect(counts == [500, 100, 100])
        #expect(longestRun <= 4, "the light ones are spread out")
    }

    @Test("Any weights are kept to within one turn", arguments: randomSeeds)
    func anyWeights(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let weights = (0..<7).map { _ in Int.random(in: 1...65_535, using: &random) }
        let targets = try weights.enumerated().map { try PickTarget.numbered($0, weight: $1) }
        var picker = RoundRobinPicker(targets, random: &random)
        var counts = weights.map { _ in 0 }
        let total = weights.reduce(0, +)
        for _ in 0..<10_000 {
            let picked = picker.pick(among: targets.indices)
            counts[try #require(picked)] += 1
        }
        for (count, weight) in zip(counts, weights) {
            let share = 10_000 * Double(weight) / Double(total)
            #expect(abs(Double(count) - share) <= 7, "weights \(weights), counts \(counts)")
        }
    }
}
