internal import FoundationEssentials

/// The digest of a bucket: how many transactions it has, and the sum of their content hashes modulo 2^256.
///
/// The order of addition does not matter. A sum is used and not an exclusive or, because sets of hashes with a given
/// exclusive or can be found by linear algebra.
public struct BucketSum: Sendable, Hashable {
    public var count: UInt64
    /// As a big-endian number.
    public var sum: Hash256

    /// Of an empty bucket.
    public static let empty = BucketSum(count: 0, sum: .zero)

    public init(count: UInt64, sum: Hash256) {
        self.count = count
        self.sum = sum
    }

    /// Adds one transaction.
    public mutating func add(_ hash: Hash256) { add(BucketSum(count: 1, sum: hash)) }

    /// Adds all transactions of another bucket.
    public mutating func add(_ other: BucketSum) {
        count &+= other.count
        var words = SIMD4<UInt64>()
        var carry: UInt64 = 0
        for index in stride(from: 3, through: 0, by: -1) {
            let (partial, first) = sum.words[index].addingReportingOverflow(other.sum.words[index])
            let (total, second) = partial.addingReportingOverflow(carry)
            words[index] = total
            carry = first || second ? 1 : 0
        }
        sum = Hash256(words: words)
    }
}

extension BucketDigest {
    /// The digest as it travels.
    public init(_ prefix: BucketPrefix, _ sum: BucketSum) {
        self.init()
        self.prefix = prefix.data
        count = sum.count
        self.sum = sum.sum.data
    }

    /// The digest's parts.
    ///
    /// - Throws: ``InvalidField`` when a peer sent a prefix or a sum of a wrong length.
    public func parts() throws(InvalidField) -> (prefix: BucketPrefix, sum: BucketSum) {
        guard let hash = Hash256(bytes: sum) else { throw InvalidField("sum", "\(sum.count) bytes instead of 32") }
        return (try BucketPrefix(data: prefix), BucketSum(count: count, sum: hash))
    }
}
