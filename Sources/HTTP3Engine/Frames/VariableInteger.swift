/// QUIC's variable-length integers (RFC 9000 §16).
enum VariableInteger {
    static let max: UInt64 = 1 << 62 - 1

    /// How many bytes `value` takes; values above ``max`` do not exist on the wire.
    static func length(_ value: UInt64) -> Int {
        value < 1 << 6 ? 1 : value < 1 << 14 ? 2 : value < 1 << 30 ? 4 : 8
    }

    /// The integer at `offset` and its length, or nil when it is not complete.
    @inline(__always)
    static func read(_ bytes: RawSpan, at offset: Int) -> (value: UInt64, length: Int)? {
        guard offset < bytes.byteCount else { return nil }
        let first = bytes.byte(offset)
        let length = 1 << Int(first >> 6)
        guard length <= bytes.byteCount - offset else { return nil }
        var value = UInt64(first & 0x3f)
        var position = offset + 1
        while position < offset + length {
            value = value << 8 | UInt64(bytes.byte(position))
            position += 1
        }
        return (value, length)
    }

    /// Appends `value`, which is at most ``max``.
    static func append(_ value: UInt64, to output: inout [UInt8]) {
        let length = length(value)
        let prefix: UInt64 = length == 1 ? 0 : length == 2 ? 1 : length == 4 ? 2 : 3
        let encoded = value | prefix << UInt64(length * 8 - 2)
        for index in 0..<length {
            output.append(UInt8(truncatingIfNeeded: encoded >> UInt64((length - 1 - index) * 8)))
        }
    }

    /// Writes `value` to `target`, which has room for 8 bytes; answers how many it took.
    static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) -> Int {
        let length = length(value)
        let prefix: UInt64 = length == 1 ? 0 : length == 2 ? 1 : length == 4 ? 2 : 3
        let encoded = value | prefix << UInt64(length * 8 - 2)
        for index in 0..<length {
            unsafe target.storeBytes(
                of: UInt8(truncatingIfNeeded: encoded >> UInt64((length - 1 - index) * 8)), toByteOffset: index,
                as: UInt8.self)
        }
        return length
    }
}

extension RawSpan {
    /// The byte at `offset`; the bounds are checked.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        // Sound: any bit pattern is a UInt8.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
