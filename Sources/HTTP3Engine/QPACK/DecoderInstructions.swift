internal import NodeTransport

/// What a peer's decoder says (RFC 9204 §4.4).
enum DecoderInstruction {
    case sectionAcknowledged(stream: Int64)
    case streamCancelled(Int64)
    case insertsReceived(Int)
}

/// Reads the decoder stream, whose instructions may come one byte at a time.
struct DecoderInstructionReader {
    /// An instruction that has begun: its first byte, and the integer so far.
    private var begun: (first: UInt8, value: UInt64, shift: UInt64)?

    /// The next instruction that is complete, or nil when the bytes are read.
    mutating func next(_ bytes: RawSpan, at offset: inout Int) throws(HTTP3Error) -> DecoderInstruction? {
        while offset < bytes.byteCount {
            let byte = bytes.byte(offset)
            offset += 1
            guard let (first, earlier, shift) = begun else {
                let mask: UInt8 = byte & 0x80 != 0 ? 0x7f : 0x3f
                if byte & mask != mask { return Self.make(byte, UInt64(byte & mask)) }
                begun = (byte, UInt64(mask), 0)
                continue
            }
            // RFC 9204 §4.1.1: up to 62 bits.
            let value = shift <= 56 ? earlier + UInt64(byte & 0x7f) << shift : .max
            guard value <= VariableInteger.max else {
                throw HTTP3Error(.qpackDecoderStreamError, "an integer of the decoder stream is too large")
            }
            if byte & 0x80 == 0 {
                begun = nil
                return Self.make(first, value)
            }
            begun = (first, value, shift + 7)
        }
        return nil
    }

    private static func make(_ first: UInt8, _ value: UInt64) -> DecoderInstruction {
        if first & 0x80 != 0 { return .sectionAcknowledged(stream: Int64(value)) }
        return first & 0x40 != 0 ? .streamCancelled(Int64(value)) : .insertsReceived(Int(value))
    }
}
