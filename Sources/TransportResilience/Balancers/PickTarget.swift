internal import NodeTransport
internal import Synchronization

/// What goes on at one peer.
final class PeerLoad: Sendable {
    let callsInFlight = Atomic<Int>(0)

    /// Whether calls have failed there since the last that succeeded: only then has a success to be told to anyone.
    let hasFailures = Atomic<Bool>(false)
}

/// A peer that a call may be sent to.
struct PickTarget: Sendable {
    let endpoint: Endpoint
    /// 1...65,535.
    let weight: Int
    let load: PeerLoad

    var callsInFlight: Int { load.callsInFlight.load(ordering: .relaxed) }

    init(endpoint: Endpoint, weight: Int = 1, load: PeerLoad = PeerLoad()) {
        self.endpoint = endpoint
        self.weight = min(max(weight, 1), 65_535)
        self.load = load
    }
}

/// Random numbers to choose peers by (SplitMix64): quick, and a seed repeats them. No secrets are made of them.
struct PickRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return StableHash.mixed(state)
    }

    /// Within 0..<1.
    mutating func chance() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// A hash that is the same in every process.
enum StableHash {
    /// FNV-1a, finished by a mix so that every bit depends on every byte.
    static func of(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return mixed(hash)
    }

    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
