internal import CNGTCP2

/// A connection ID (RFC 9000 §5.1): at most 20 bytes.
struct ConnectionID: Sendable, Hashable {
    let raw: cngtcp2_cid

    /// How long the IDs are that this engine issues.
    static let ownBytes = 16

    init(raw: cngtcp2_cid) {
        self.raw = raw
    }

    /// The ID at `bytes`, of the length that this engine issues.
    init(ownAt bytes: UnsafeRawPointer) {
        raw = unsafe cngtcp2_cid(
            first: bytes.loadUnaligned(as: UInt64.self),
            second: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            third: 0, count: UInt32(Self.ownBytes))
    }

    static func == (left: Self, right: Self) -> Bool {
        left.raw.first == right.raw.first && left.raw.second == right.raw.second
            && left.raw.third == right.raw.third && left.raw.count == right.raw.count
    }

    func hash(into hasher: inout Hasher) {
        // Whoever chooses both words could choose the third; the hasher is seeded.
        hasher.combine(raw.first)
        hasher.combine(raw.second)
    }
}

/// The token of a stateless reset (RFC 9000 §10.3).
struct ResetToken: Hashable {
    let raw: cngtcp2_reset_token

    static let byteCount = 16

    init(raw: cngtcp2_reset_token) {
        self.raw = raw
    }

    init(at bytes: UnsafeRawPointer) {
        raw = unsafe cngtcp2_reset_token(
            first: bytes.loadUnaligned(as: UInt64.self), second: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
    }

    static func == (left: Self, right: Self) -> Bool {
        left.raw.first == right.raw.first && left.raw.second == right.raw.second
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(raw.first)
        hasher.combine(raw.second)
    }
}
