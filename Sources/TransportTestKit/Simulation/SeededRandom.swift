/// Random numbers that a seed repeats (SplitMix64). For tests: they are easy to foretell.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// `true` with `probability`; draws a number only where it depends on one.
    mutating func happens(_ probability: Double) -> Bool {
        if probability <= 0 || probability.isNaN { return false }
        if probability >= 1 { return true }
        return Double(next() >> 11) * 0x1p-53 < probability
    }

    /// 0...`limit`.
    mutating func upTo(_ limit: Int64) -> Int64 { limit <= 0 ? 0 : Int64.random(in: 0...limit, using: &self) }
}
