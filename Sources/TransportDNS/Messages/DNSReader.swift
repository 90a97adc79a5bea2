/// Reads what a message is made of; never past its end.
struct DNSReader {
    private let message: [UInt8]
    /// Within 0...count.
    var position = 0

    init(bytes: [UInt8]) { message = bytes }

    mutating func uint16() -> UInt16? { bytes(2)?.reduce(0) { $0 << 8 | UInt16($1) } }

    mutating func uint32() -> UInt32? { bytes(4)?.reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard let end = end(ofNext: count) else { return nil }
        defer { position = end }
        return message[position..<end]
    }

    mutating func skip(_ count: Int) -> Bool { bytes(count) != nil }

    /// Where `count` more bytes end; `nil` when there are fewer.
    func end(ofNext count: Int) -> Int? {
        count >= 0 && count <= message.count - position ? position + count : nil
    }

    /// A name, with its compression undone (RFC 1035 §4.1.4), in lower case and without the last dot.
    ///
    /// A pointer has to point further back than anything read for this name so far, so that it cannot go in circles.
    /// Bytes that host names do not have become `\DDD`, so no two names are taken for one.
    mutating func name() -> String? {
        var text: [UInt8] = []
        var encodedCount = 1
        var at = position
        var lowest = position
        var end: Int?
        while true {
            guard message.indices.contains(at) else { return nil }
            let length = Int(message[at])
            switch length & 0xc0 {
            case 0x00:
                guard length > 0 else {
                    position = end ?? at + 1
                    return String(decoding: text, as: UTF8.self)
                }
                encodedCount += length + 1
                // RFC 1035 §2.3.4: 255 bytes in all.
                guard encodedCount <= 255, length < message.count - at else { return nil }
                if !text.isEmpty { text.append(UInt8(ascii: ".")) }
                for byte in message[(at + 1)...(at + length)] { Self.append(byte, to: &text) }
                at += length + 1
            case 0xc0:
                guard message.indices.contains(at + 1) else { return nil }
                let target = (length & 0x3f) << 8 | Int(message[at + 1])
                guard target < lowest else { return nil }
                end = end ?? at + 2
                at = target
                lowest = target
            default: return nil
            }
        }
    }

    private static func append(_ byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): text.append(byte | 0x20)
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            text.append(byte)
        default:
            let digits = String(Int(byte) + 1000).utf8.dropFirst()
            text.append(UInt8(ascii: "\\"))
            text.append(contentsOf: digits)
        }
    }
}
