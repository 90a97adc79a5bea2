import NodeTransport
import Synchronization
import Testing

@testable import TransportResilience

@Suite("Pickers")
struct PickerTests {
    static let balancers: [(String, Balancer)] = [
        ("pick first", .pickFirst), ("round robin", .roundRobin), ("least request", .leastRequest),
        ("consistent hashing", .consistentHashing()),
    ]

    @Test("Peers to avoid are avoided while there are others", arguments: balancers, randomSeeds)
    func avoided(balancer: (String, Balancer), seed: UInt64) throws {
        var random = PickRandom(seed: seed)
        let targets = try (0..<6).map { try PickTarget.numbered($0, weight: .random(in: 1...5, using: &random)) }
        var picker = Picker(balancer.1, targets, random: &random)
        for round in 0..<500 {
            let avoided = Set(targets.indices.filter { _ in Bool.random(using: &random) })
            let key: String? = Bool.random(using: &random) ? "\(round)" : nil
            let head = CallHead.test(key: key, avoiding: avoided.map { targets[$0].endpoint })
            let picked = picker.pick(head, targets, random: &random)
            let index = try #require(picked)
            #expect(targets.indices.contains(index))
            if avoided.count < targets.count { #expect(!avoided.contains(index), "\(balancer.0)") }
            targets[index].load.callsInFlight.add(1, ordering: .relaxed)
        }
    }

    @Test("Without peers there is nobody, with one it is the one", arguments: balancers)
    func few(balancer: (String, Balancer)) throws {
        var random = PickRandom(seed: 1)
        var none = Picker(balancer.1, [], random: &random)
        #expect(none.pick(.test(key: "x"), [], random: &random) == nil)
        let target = try PickTarget.numbered(1)
        var one = Picker(balancer.1, [target], random: &random)
        #expect(one.pick(.test(avoiding: [target.endpoint]), [target], random: &random) == 0)
    }

    @Test("Strange parameters are brought into range")
    func ranges() {
        for factor in [-1, 0.5, .nan, -.infinity] {
            guard case .consistentHashing(let loadFactor, _) = Balancer.consistentHashing(loadFactor: factor).kind
            else { return #expect(Bool(false), "another balancer") }
            #expect(loadFactor == 1)
        }
        #expect(
            ConsistentHashingPicker.bound(65_535, of: 0, calls: .max, loadFactor: .infinity) == Int(Int32.max))
    }
}
