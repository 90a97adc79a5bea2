internal import Glibc
internal import NodeTransport

/// Rendezvous hashing with bounded loads: each peer has a score for the key, and the call goes to the peer with the
/// highest that is not full. A peer that goes takes only its own keys with it.
struct ConsistentHashingPicker: Sendable {
    let key: Balancer.Key?
    private let loadFactor: Double
    private let hashes: [UInt64]
    private let areAlike: Bool

    init(_ targets: [PickTarget], loadFactor: Double, key: Balancer.Key?) {
        self.key = key
        self.loadFactor = loadFactor
        hashes = targets.map { StableHash.of($0.endpoint.description) }
        areAlike = Set(targets.map(\.weight)).count <= 1
    }

    func pick(_ key: String, _ targets: [PickTarget], among choice: some RandomAccessCollection<Int>) -> Int? {
        let keyHash = StableHash.of(key)
        var (calls, weights) = (0, 0)
        for index in choice {
            calls += targets[index].callsInFlight
            weights += targets[index].weight
        }
        var best: (index: Int, score: Double)?
        for index in choice {
            let target = targets[index]
            let most = Self.bound(target.weight, of: weights, calls: calls + 1, loadFactor: loadFactor)
            guard target.callsInFlight < most else { continue }
            let score = score(index, keyHash, weight: target.weight)
            if score > best?.score ?? -1 { best = (index, score) }
        }
        // Loads change while they are read: then all may look full.
        return best?.index ?? choice.max { score($0, keyHash, weight: 1) < score($1, keyHash, weight: 1) }
    }

    /// How many of `calls` a peer may have: its share, times the factor, rounded up.
    static func bound(_ weight: Int, of weights: Int, calls: Int, loadFactor: Double) -> Int {
        let share = Double(calls) * Double(weight) / Double(max(weights, 1))
        return Int(min((share * loadFactor).rounded(.up), Double(Int32.max)))
    }

    /// Highest with a probability in proportion to the weight: `weight / −ln(u)` with an even `u` within 0..<1.
    private func score(_ index: Int, _ keyHash: UInt64, weight: Int) -> Double {
        let even = (Double(StableHash.mixed(hashes[index] ^ keyHash) >> 11) + 0.5) * 0x1p-53
        // Among equals the order is the same without the logarithm, which is most of the work.
        return areAlike ? even : Double(weight) / -log(even)
    }
}
