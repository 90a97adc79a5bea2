internal import Crypto
internal import FoundationEssentials

/// SHA-256 over fields of which each is preceded by its length, so that no two lists of fields give the same bytes.
///
/// Every field is 8 bytes of length, big-endian, and then its bytes; an integer is a field of 8 bytes, big-endian. The
/// first field is a name that keeps hashes for different purposes apart.
struct FieldHasher {
    private var hash = SHA256()

    init(_ purpose: String) { add(purpose) }

    mutating func add(_ text: String) { add(Data(text.utf8)) }

    mutating func add(_ data: Data) {
        addWord(UInt64(data.count))
        hash.update(data: data)
    }

    mutating func add(_ number: Int64) { add(UInt64(bitPattern: number)) }

    mutating func add(_ number: UInt64) {
        addWord(8)
        addWord(number)
    }

    /// A list: its count, then each element.
    mutating func add(_ texts: [String]) {
        add(UInt64(texts.count))
        for text in texts { add(text) }
    }

    /// A list: its count, then each element.
    mutating func add(_ items: [Data]) {
        add(UInt64(items.count))
        for item in items { add(item) }
    }

    consuming func finish() -> Hash256 { Hash256(hash.finalize()) }

    private mutating func addWord(_ word: UInt64) {
        var bytes = Data(capacity: 8)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
        hash.update(data: bytes)
    }
}
