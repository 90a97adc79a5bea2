/// How `grpc-message` carries text: printable ASCII but `%` as it is, every other byte of its UTF-8 as
/// `%XX` (gRPC over HTTP/2, "Status-Message").
package enum PercentEncoding {
    package static func encode(_ text: String) -> String {
        let (blank, last) = (UInt8(ascii: " "), text.utf8.count - 1)
        guard text.utf8.contains(where: { !isPlain($0) }) || text.utf8.first == blank || text.utf8.last == blank else {
            return text
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 2)
        for (index, byte) in text.utf8.enumerated() {
            // A field's value has no blank at its ends (RFC 9113 §8.2.1).
            if isPlain(byte), byte != blank || (index > 0 && index < last) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digit(byte >> 4))
                bytes.append(digit(byte & 15))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Never fails: what is not a valid escape stays as it is, what is not UTF-8 is replaced.
    package static func decode(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.count)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let high = value(source[index + 1]), let low = value(source[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool { (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "%") }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x41 + value - 10 }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
