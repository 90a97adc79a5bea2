/// One received header field. Fields of the HPACK tables are shared by reference between blocks.
///
/// A field is confined to its connection's loop, as the engine is.
package final class HeaderField {
    /// The name, lower-case when the field is well formed.
    package let name: String

    /// The value. Bytes that are not UTF-8 have become U+FFFD.
    package let value: String

    /// Which name it is, if this side looks at it.
    package let known: KnownHeader

    /// Whether the sender forbade any intermediary to put it into a table (RFC 7541 §7.1.3).
    package let isSensitive: Bool

    /// Free for the owner: a repeated field is the same object, so a look-up's result can stay here.
    package var tag: Int32 = -1

    /// Whether name and value consist of what RFC 9113 §8.2.1 allows.
    let isWellFormed: Bool
    let isNameWellFormed: Bool

    /// The octets of name and value on the wire, plus 32 (RFC 7541 §4.1).
    let tableBytes: Int
    let nameBytes: Int

    init(
        name: String, nameBytes: Int, isNameWellFormed: Bool, known: KnownHeader,
        value: String, valueBytes: Int, isValueWellFormed: Bool, isSensitive: Bool
    ) {
        self.name = name
        self.value = value
        self.known = known
        self.isSensitive = isSensitive
        self.isNameWellFormed = isNameWellFormed
        isWellFormed = isNameWellFormed && isValueWellFormed
        self.nameBytes = nameBytes
        tableBytes = nameBytes + valueBytes + 32
    }
}

extension HeaderField: TableEntry {}

/// Which bytes a field may have (RFC 9113 §8.2.1).
enum FieldSyntax {
    static func isName(_ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        guard count > 0 else { return false }
        for offset in 0..<count {
            switch bytes.byte(offset) {
            case 0...0x20, 0x41...0x5a, 0x7f...0xff: return false
            case 0x3a where offset > 0 || count == 1: return false
            default: continue
            }
        }
        return true
    }

    static func isValue(_ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        guard count > 0 else { return true }
        if isBlank(bytes.byte(0)) || isBlank(bytes.byte(count - 1)) { return false }
        for offset in 0..<count {
            let byte = bytes.byte(offset)
            if byte == 0 || byte == 0x0a || byte == 0x0d { return false }
        }
        return true
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
