internal import Crypto
public import FoundationEssentials

/// A SHA-256 digest: the content hash of a transaction, the hash of a proof of holding.
public struct Hash256: Sendable, Hashable {
    /// The digest as four big-endian words, the first bytes in the first.
    package let words: SIMD4<UInt64>

    package init(words: SIMD4<UInt64>) { self.words = words }

    /// 32 zeros: what stands before the first element of a chain.
    public static let zero = Hash256(words: .zero)

    /// `nil` unless there are 32 bytes.
    public init?(bytes: some Sequence<UInt8>) {
        var words = SIMD4<UInt64>()
        var count = 0
        for byte in bytes {
            guard count < 32 else { return nil }
            words[count / 8] = words[count / 8] << 8 | UInt64(byte)
            count += 1
        }
        guard count == 32 else { return nil }
        self.words = words
    }

    /// The SHA-256 of `data`.
    public init(hashing data: Data) { self.init(SHA256.hash(data: data)) }

    init(_ digest: SHA256Digest) { self = Hash256(bytes: digest) ?? .zero }

    /// 32 bytes.
    public var data: Data {
        var data = Data(capacity: 32)
        for index in 0..<4 {
            for shift in stride(from: 56, through: 0, by: -8) {
                data.append(UInt8(truncatingIfNeeded: words[index] >> UInt64(shift)))
            }
        }
        return data
    }
}

extension Hash256: CustomStringConvertible {
    /// 64 hexadecimal digits.
    public var description: String {
        (0..<4).map { index in
            let digits = String(words[index], radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
