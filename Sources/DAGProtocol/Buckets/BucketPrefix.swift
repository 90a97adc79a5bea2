public import FoundationEssentials

/// A group of transactions that nodes compare as one: those whose ``BucketKey`` begins with this prefix.
public struct BucketPrefix: Sendable, Hashable, Comparable {
    /// The longest prefix: a window of 16.8 s and the first two bytes of the content hash.
    public static let maximumLength = 7

    /// How many bytes the prefix has, 0 to ``maximumLength``.
    public let length: Int
    /// The prefix in the upper bytes, zeros below.
    package let value: UInt64

    /// All transactions.
    public static let root = BucketPrefix(length: 0, value: 0)

    package init(length: Int, value: UInt64) {
        self.length = length
        self.value = value
    }

    /// - Throws: ``InvalidField`` with the name `field` when there are more than ``maximumLength`` bytes.
    public init(data: Data, field: String = "prefix") throws(InvalidField) {
        guard data.count <= Self.maximumLength else {
            throw InvalidField(field, "\(data.count) bytes, at most \(Self.maximumLength) are accepted")
        }
        var value: UInt64 = 0
        for byte in data { value = value << 8 | UInt64(byte) }
        self.init(length: data.count, value: data.isEmpty ? 0 : value << UInt64(64 - 8 * data.count))
    }

    /// 0 to 7 bytes.
    public var data: Data {
        Data((0..<length).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) })
    }

    /// Whether every key that begins with `other` begins with this prefix.
    public func contains(_ other: BucketPrefix) -> Bool {
        other.length >= length && keys.contains(other.value)
    }

    /// The lowest and the highest key that begin with this prefix.
    package var keys: ClosedRange<UInt64> { value...(value | (length == 0 ? .max : .max >> UInt64(8 * length))) }

    public static func < (left: BucketPrefix, right: BucketPrefix) -> Bool {
        (left.length, left.value) < (right.length, right.value)
    }
}

/// Where a transaction stands in the tree of buckets: its time in windows of 2^24 µs (16.8 s) as 5 bytes, then the
/// first 3 bytes of its content hash.
///
/// Time comes first because a node that was away lacks transactions of one stretch of time, which then lie together; the
/// hash comes second so that a window with very many transactions is divided further.
public struct BucketKey: Sendable, Hashable {
    /// The 8 bytes as a big-endian number.
    package let value: UInt64

    package init(value: UInt64) { self.value = value }

    /// - Parameters:
    ///   - timestamp: When the transaction was made; not negative.
    ///   - contentHash: Its content hash.
    public init(timestamp: Timestamp, contentHash: Hash256) {
        let window = UInt64(max(timestamp.microseconds, 0)) >> 24
        value = window << 24 | contentHash.words[0] >> 40
    }

    /// The bucket of `length` bytes (0 to ``BucketPrefix/maximumLength``) that it lies in.
    public func prefix(_ length: Int) -> BucketPrefix {
        BucketPrefix(length: length, value: length == 0 ? 0 : value & ~(UInt64.max >> UInt64(8 * length)))
    }
}

extension Transaction {
    /// Where it stands in the tree of buckets.
    public var bucketKey: BucketKey {
        BucketKey(timestamp: Timestamp(microseconds: message.timestamp), contentHash: contentHash)
    }
}
