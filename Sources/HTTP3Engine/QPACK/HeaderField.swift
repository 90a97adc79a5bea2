/// One received header field. Fields that come again are shared by reference between sections.
///
/// A field is confined to its connection's loop, as the engine is.
package final class HeaderField {
    /// The name, lower-case when the field is well formed.
    package let name: String

    /// The value. Bytes that are not UTF-8 have become U+FFFD.
    package let value: String

    /// Which name it is, if this side looks at it.
    package let known: KnownHeader

    /// Whether the sender forbade any intermediary to put it into a table (RFC 9204 §7.1.3).
    package let isSensitive: Bool

    /// Free for the owner: a repeated field is mostly the same object, so a look-up's result can stay here.
    package var tag: Int32 = -1

    /// Whether name and value consist of what RFC 9114 §4.2 and §10.3 allow.
    let isWellFormed: Bool

    /// The octets of name and value plus 32 (RFC 9114 §4.2.2).
    let sectionBytes: Int

    init(
        name: String, value: String, known: KnownHeader, isSensitive: Bool, isWellFormed: Bool, sectionBytes: Int
    ) {
        self.name = name
        self.value = value
        self.known = known
        self.isSensitive = isSensitive
        self.isWellFormed = isWellFormed
        self.sectionBytes = sectionBytes
    }
}

/// Which bytes a field may have (RFC 9110 §5.1 and §5.5, as RFC 9114 §4.2 and §10.3 ask for).
enum FieldSyntax {
    /// Letters are lower-case; a pseudo-header field's name begins with a colon.
    static func isName(_ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        guard count > 0 else { return false }
        let start = bytes.byte(0) == 0x3a ? 1 : 0
        guard count > start else { return false }
        for offset in start..<count where !isTokenByte(bytes.byte(offset)) { return false }
        return true
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x30...0x39, 0x2d, 0x5f, 0x2e: true
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x5e, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }

    static func isValue(_ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        guard count > 0 else { return true }
        if isBlank(bytes.byte(0)) || isBlank(bytes.byte(count - 1)) { return false }
        for offset in 0..<count {
            let byte = bytes.byte(offset)
            if byte == 0x7f || byte < 0x20 && byte != 0x09 { return false }
        }
        return true
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
