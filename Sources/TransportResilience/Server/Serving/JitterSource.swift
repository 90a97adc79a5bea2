/// Random numbers for jitter (SplitMix64, S. Vigna): quick, and seeded by the system's, for asking that each time costs a
/// system call.
struct JitterSource {
    private var state: UInt64

    init(seed: UInt64 = .random(in: 0 ... .max)) { state = seed }

    /// A number within 0..<1.
    mutating func next() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
    }
}
