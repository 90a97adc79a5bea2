internal import CNGTCP2

/// Puts the number of a connection's loop into its connection IDs, and reads it from a datagram.
///
/// The first byte is the number, masked by what the seven bytes behind it hash to under a key: whoever
/// does not have the key can neither read it nor tell that two IDs belong to one loop.
struct LoopRouting: Sendable {
    let key: UInt64

    func connectionID(loop: UInt8, _ first: UInt64, _ second: UInt64) -> ConnectionID {
        let masked = first & ~0xff | UInt64(loop ^ mask(first))
        return ConnectionID(
            raw: cngtcp2_cid(first: masked, second: second, third: 0, count: UInt32(ConnectionID.ownBytes)))
    }

    func loop(of firstWord: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: firstWord) ^ mask(firstWord)
    }

    // A keyed mix; the ID is random, so this need not resist more than being read.
    private func mask(_ firstWord: UInt64) -> UInt8 {
        var mixed = (firstWord >> 8) ^ key
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb ^ key
        return UInt8(truncatingIfNeeded: mixed >> 24)
    }
}
