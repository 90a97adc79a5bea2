import NodeTransport
import Synchronization
import Testing

@testable import TransportResilience

@Suite("Consistent hashing")
struct ConsistentHashingPickerTests {
    private func owners(_ targets: [PickTarget], keys: Range<Int>) -> [Endpoint?] {
        let picker = ConsistentHashingPicker(targets, loadFactor: 1000, key: nil)
        return keys.map { key in
            picker.pick("key-\(key)", targets, among: targets.indices).map { targets[$0].endpoint }
        }
    }

    @Test("A key has the same peer in every process and in every order of the peers")
    func stable() throws {
        let targets = try (0..<6).map { try PickTarget.numbered($0) }
        #expect(owners(targets, keys: 0..<500) == owners(targets.reversed(), keys: 0..<500))
        // Known values: another process, or another version, must not see other owners.
        #expect(StableHash.of("") == 0xf52a_15e9_a9b5_e89b)
        #expect(StableHash.of("key-1") == StableHash.of("key-1"))
    }

    @Test("When a peer goes, only its keys move; when one comes, keys move only to it", arguments: randomSeeds)
    func movement(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let targets = try (0..<10).map { try PickTarget.numbered($0, weight: .random(in: 1...4, using: &random)) }
        let before = owners(targets, keys: 0..<4000)
        let gone = targets[Int.random(in: 0..<10, using: &random)].endpoint
        let after = owners(targets.filter { $0.endpoint != gone }, keys: 0..<4000)
        for (old, new) in zip(before, after) {
            #expect(old == gone ? new != gone : new == old)
        }
        #expect(before.contains(gone))
        let added = owners(targets + [try .numbered(10)], keys: 0..<4000)
        let moved = zip(before, added).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0.1 == (try? Endpoint(parsing: "memory://peer-10")) })
        #expect(!moved.isEmpty && moved.count < 1000)
    }

    @Test("Keys are spread by weight")
    func weights() throws {
        let targets = try [1, 2, 3, 4].enumerated().map { try PickTarget.numbered($0, weight: $1) }
        let owners = owners(targets, keys: 0..<10_000)
        for target in targets {
            let count = owners.count { $0 == target.endpoint }
            #expect(abs(count - 1000 * target.weight) < 250, "\(target.endpoint) has \(count)")
        }
    }

    @Test("No peer is above its bound, however skewed the keys and whatever ends when", arguments: randomSeeds)
    func boundedLoad(seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let factor = Double.random(in: 1...2, using: &random)
        let targets = try (0..<8).map { try PickTarget.numbered($0, weight: .random(in: 1...3, using: &random)) }
        let weights = targets.map(\.weight).reduce(0, +)
        let picker = ConsistentHashingPicker(targets, loadFactor: factor, key: nil)
        var inFlight: [Int] = []
        for _ in 0..<5000 {
            if !inFlight.isEmpty, Int.random(in: 0..<5, using: &random) < 2 {
                let ended = inFlight.remove(at: Int.random(in: inFlight.indices, using: &random))
                targets[ended].load.callsInFlight.subtract(1, ordering: .relaxed)
                continue
            }
            // Most calls have one of three keys.
            let key = "\(Int.random(in: 0..<(Bool.random(using: &random) ? 3 : 1000), using: &random))"
            let index = try #require(picker.pick(key, targets, among: targets.indices))
            targets[index].load.callsInFlight.add(1, ordering: .relaxed)
            inFlight.append(index)
            let bound = ConsistentHashingPicker.bound(
                targets[index].weight, of: weights, calls: inFlight.count, loadFactor: factor)
            #expect(targets[index].callsInFlight <= bound)
        }
    }

    @Test("The key is the call's, else what the closure says; without one the least busy of two is taken")
    func keys() throws {
        var random = PickRandom(seed: 7)
        let targets = try (0..<4).map { try PickTarget.numbered($0) }
        let balancer = Balancer.consistentHashing(loadFactor: 1000) { $0.deadline == nil ? nil : "b" }
        var picker = Picker(balancer, targets, random: &random)
        let plain = ConsistentHashingPicker(targets, loadFactor: 1000, key: nil)
        #expect(
            picker.pick(.test(key: "a"), targets, random: &random) == plain.pick("a", targets, among: targets.indices))
        var head = CallHead.test()
        head.deadline = .after(.seconds(1))
        #expect(picker.pick(head, targets, random: &random) == plain.pick("b", targets, among: targets.indices))
        let picks = Set((0..<200).map { _ in picker.pick(.test(), targets, random: &random) })
        #expect(picks.count == 4)
    }
}
