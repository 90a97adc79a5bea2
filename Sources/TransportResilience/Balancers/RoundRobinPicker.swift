/// Takes turns by weight, spread evenly: each turn a peer gains its weight, the one that has gained most is taken and
/// pays for all.
struct RoundRobinPicker: Sendable {
    private var gains: [Int]
    private let weights: [Int]
    private let areAlike: Bool
    private var next: Int

    init(_ targets: [PickTarget], random: inout PickRandom) {
        weights = targets.map(\.weight)
        areAlike = Set(weights).count <= 1
        gains = Array(repeating: 0, count: areAlike ? 0 : weights.count)
        // Clients that start together do not all begin with the same peer.
        next = weights.isEmpty ? 0 : Int.random(in: weights.indices, using: &random)
        guard !areAlike else { return }
        for _ in 0..<next { _ = pick(among: weights.indices) }
    }

    mutating func pick(among choice: some RandomAccessCollection<Int>) -> Int? {
        areAlike ? pickNext(among: choice) : pickByWeight(among: choice)
    }

    /// The next one from where the last turn ended.
    private mutating func pickNext(among choice: some RandomAccessCollection<Int>) -> Int? {
        if choice.count == weights.count {
            let index = next < weights.count ? next : 0
            next = index + 1
            return index
        }
        guard let index = choice.first(where: { $0 >= next }) ?? choice.first else { return nil }
        next = index + 1
        return index
    }

    private mutating func pickByWeight(among choice: some RandomAccessCollection<Int>) -> Int? {
        guard var best = choice.first else { return nil }
        var total = 0
        for index in choice {
            gains[index] += weights[index]
            total += weights[index]
            if gains[index] > gains[best] { best = index }
        }
        gains[best] -= total
        return best
    }
}
