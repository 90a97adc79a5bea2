/// How QPACK writes its integers and strings (RFC 9204 §4.1), and with them field lines and instructions.
///
/// Strings are written as they are: the Huffman code would save a byte in four of what is sent once, at a cost for both
/// ends; what is sent often becomes a reference of a byte or two.
enum FieldLine {
    /// The most that an integer takes.
    static let integerBytes = 10
    /// The most that a field line takes beside its name and value.
    static let overheadBytes = 2 * integerBytes

    /// Writes `value` with a prefix of `prefix` bits, 3 to 8, behind the bits of `pattern`; answers how many bytes that took.
    @inline(__always)
    static func write(
        _ value: Int, prefix: Int, pattern: UInt8, to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let limit = 1 << prefix &- 1
        guard value >= limit else {
            unsafe target[0] = pattern | UInt8(truncatingIfNeeded: value)
            return 1
        }
        unsafe target[0] = pattern | UInt8(truncatingIfNeeded: limit)
        var rest = value &- limit
        var count = 1
        while rest >= 128 {
            unsafe target[count] = UInt8(truncatingIfNeeded: rest & 127 | 128)
            rest >>= 7
            count &+= 1
        }
        unsafe target[count] = UInt8(truncatingIfNeeded: rest)
        return count &+ 1
    }

    private static func write(
        _ text: UnsafeBufferPointer<UInt8>, prefix: Int, pattern: UInt8, to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let count = unsafe write(text.count, prefix: prefix, pattern: pattern, to: target)
        if let start = text.baseAddress { unsafe (target + count).update(from: start, count: text.count) }
        return count + text.count
    }

    /// Writes a field without the dynamic table (RFC 9204 §4.5.2, §4.5.4 and §4.5.6): `target` has room for the name, the
    /// value and ``overheadBytes``.
    static func write(
        _ text: FieldText, _ match: StaticTable.Match?, isSensitive: Bool, to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if let match, match.isExact, !isSensitive {
            return unsafe write(match.index, prefix: 6, pattern: 0xc0, to: target)
        }
        let count =
            if let match {
                unsafe write(match.index, prefix: 4, pattern: isSensitive ? 0x70 : 0x50, to: target)
            } else {
                unsafe write(text.name, prefix: 3, pattern: isSensitive ? 0x30 : 0x20, to: target)
            }
        return unsafe count + write(text.value, prefix: 7, pattern: 0, to: target + count)
    }

    /// Writes the instruction that puts a field into the dynamic table (RFC 9204 §4.3.2 and §4.3.3); room as above.
    static func writeInsertion(
        _ text: FieldText, _ match: StaticTable.Match?, to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let count =
            if let match {
                unsafe write(match.index, prefix: 6, pattern: 0xc0, to: target)
            } else {
                unsafe write(text.name, prefix: 5, pattern: 0x40, to: target)
            }
        return unsafe count + write(text.value, prefix: 7, pattern: 0, to: target + count)
    }
}
