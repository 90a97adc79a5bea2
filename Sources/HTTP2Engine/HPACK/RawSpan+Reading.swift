extension RawSpan {
    /// The byte at `offset`; the bounds are checked.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        // Sound: any bit pattern is a UInt8.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The big-endian number at `offset`; the bounds are checked.
    @inline(__always)
    func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as: Value.Type = Value.self) -> Value {
        // Sound: any bit pattern is an integer.
        Value(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// Whether these are the bytes of `other`.
    func equals(_ other: [UInt8]) -> Bool {
        guard byteCount == other.count else { return false }
        for offset in 0..<byteCount where byte(offset) != other[offset] { return false }
        return true
    }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    var text: String {
        unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
