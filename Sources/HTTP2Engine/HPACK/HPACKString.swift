/// Writing HPACK's integers and string literals (RFC 7541 §5).
enum HPACKString {
    /// Appends `text`, in Huffman code when that is shorter.
    static func append(_ text: String, to output: inout [UInt8]) {
        var queue = OutputQueue()
        queue.appendString(text)
        unsafe queue.withSegments { segments in
            var total = 0
            for position in segments.indices {
                let segment = unsafe segments[position]
                unsafe output.append(contentsOf: UnsafeRawBufferPointer(start: segment.pointer, count: segment.count))
                unsafe total += segment.count
            }
            return total
        }
    }
}

extension OutputQueue {
    /// Appends an integer; `flags` are the bits in front of its prefix (RFC 7541 §5.1).
    mutating func appendInteger(_ value: Int, prefixBits: Int, flags: UInt8) {
        let mask = (1 << prefixBits) - 1
        if value < mask {
            append(flags | UInt8(truncatingIfNeeded: value))
            return
        }
        append(flags | UInt8(truncatingIfNeeded: mask))
        var rest = value - mask
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a string literal, in Huffman code when that is shorter (RFC 7541 §5.2).
    mutating func appendString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            let code = HuffmanCode.shared
            let bytes = unsafe RawSpan(_unsafeElements: utf8)
            let coded = code.encodedCount(bytes)
            if coded < utf8.count {
                appendInteger(coded, prefixBits: 7, flags: 0x80)
                code.encode(bytes) { append($0) }
            } else {
                appendInteger(utf8.count, prefixBits: 7, flags: 0)
                unsafe append(UnsafeRawBufferPointer(utf8))
            }
        }
    }
}
