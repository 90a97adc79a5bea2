internal import NodeTransport

/// A hash of bytes for caches and tables that hold a bounded number of entries, and compare those that it finds: a peer
/// that makes hashes collide makes itself slower.
enum ByteHash {
    static func hash(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
        var hash = seed
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            // Sound: any bit pattern is an integer; the bounds are checked.
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
            hash ^= hash >> 32
            offset += 8
        }
        while offset < bytes.byteCount {
            hash = (hash ^ UInt64(bytes.byte(offset))) &* 0x100_0000_01b3
            offset += 1
        }
        return hash &* 0x9e37_79b9_7f4a_7c15
    }
}
