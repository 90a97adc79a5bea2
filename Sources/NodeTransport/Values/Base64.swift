/// Base64 with the standard alphabet (RFC 4648 section 4).
package enum Base64 {
    /// How exact a text has to be.
    package enum Form: Sendable {
        /// With padding or without, whatever the unused bits of the last digit are: gRPC's `-bin` metadata.
        case lenient
        /// Padded to a multiple of four, unused bits zero, so that no two texts mean the same bytes: PEM.
        case strict
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// 0...63 for a digit, 255 for any other byte.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()

    /// Whether `character` can occur in base64 at all.
    package static func isLegal(_ character: UInt8) -> Bool {
        values[Int(character)] < 64 || character == UInt8(ascii: "=")
    }

    /// The text of `bytes`, without line breaks.
    package static func encode(_ bytes: Bytes, isPadded: Bool = false) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var pending: UInt32 = 0
        var bits = 0
        for byte in bytes {
            pending = (pending << 8 | UInt32(byte)) & 0xffff
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(pending >> UInt32(bits)) & 63])
            }
        }
        if bits > 0 { text.append(alphabet[Int(pending << UInt32(6 - bits)) & 63]) }
        if isPadded { while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) } }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that `text` stands for; `nil` when it is not base64 of that form.
    package static func decode(_ text: some StringProtocol, _ form: Form = .lenient) -> Bytes? {
        decode(Array(text.utf8), form)
    }

    /// The bytes that the characters `text` stand for; `nil` when they are not base64 of that form.
    package static func decode(_ text: [UInt8], _ form: Form = .lenient) -> Bytes? {
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let digits = text.dropLast(padding)
        let isWhole = text.count.isMultiple(of: 4)
        guard digits.count % 4 != 1, isWhole || (form == .lenient && padding == 0) else { return nil }
        var builder = BytesBuilder(capacity: digits.count * 3 / 4)
        var pending: UInt32 = 0
        var bits = 0
        for digit in digits {
            let value = values[Int(digit)]
            guard value < 64 else { return nil }
            pending = (pending << 6 | UInt32(value)) & 0xffff
            bits += 6
            if bits >= 8 {
                bits -= 8
                builder.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            }
        }
        guard form == .lenient || pending & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return builder.finish()
    }
}
