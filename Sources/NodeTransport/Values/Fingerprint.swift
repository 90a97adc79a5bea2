/// A SHA-256 of a certificate or of a public key.
public struct Fingerprint: Sendable, Hashable {
    /// How many bytes a fingerprint has.
    public static let byteCount = 32

    /// The 32 bytes.
    public let bytes: Bytes

    /// A fingerprint of exactly 32 bytes, or `nil`.
    public init?(bytes: Bytes) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A fingerprint as programs print it, or `nil`.
    ///
    /// 64 hexadecimal digits in either case, with a colon after every second one or with none (browsers, and
    /// `openssl x509 -fingerprint -sha256` with its `sha256 Fingerprint=` in front); or base64 (RFC 4648 section 4)
    /// with or without padding, also behind `sha256/` (curl, HPKP) or `SHA256:` (OpenSSH). Blanks around it are ignored.
    public init?(parsing text: String) {
        var rest = text[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        let lowercase = rest.lowercased()
        for prefix in ["sha256 fingerprint=", "sha256/", "sha256:"] where lowercase.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
            break
        }
        guard rest.utf8.count <= 3 * Self.byteCount, let bytes = Self.fromHexadecimal(rest.utf8) ?? Base64.decode(rest)
        else { return nil }
        self.init(bytes: bytes)
    }

    /// 64 digits, with or without colons between the bytes, and nothing else.
    private static func fromHexadecimal(_ text: Substring.UTF8View) -> Bytes? {
        let hasColons = text.count == 3 * byteCount - 1
        guard hasColons || text.count == 2 * byteCount else { return nil }
        var bytes: [UInt8] = []
        var digits = text.makeIterator()
        while let high = digits.next() {
            guard let low = digits.next(), let high = value(of: high), let low = value(of: low) else { return nil }
            bytes.append(high << 4 | low)
            if hasColons, bytes.count < byteCount { guard digits.next() == UInt8(ascii: ":") else { return nil } }
        }
        return Bytes(bytes)
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Fingerprint: CustomStringConvertible {
    /// Lower-case hexadecimal with colons: `0a:1b:…`.
    public var description: String { text(digits: "0123456789abcdef", separator: ":") }

    /// Lower-case hexadecimal without colons: `0a1b…`.
    public var hexadecimal: String { text(digits: "0123456789abcdef", separator: nil) }

    /// Upper-case hexadecimal with colons, as `openssl x509 -fingerprint` and browsers show it: `0A:1B:…`.
    public var uppercase: String { text(digits: "0123456789ABCDEF", separator: ":") }

    /// Base64 behind the name of the digest, as in curl's `--pinnedpubkey`: `sha256/…=`.
    public var base64: String { "sha256/" + Base64.encode(bytes, isPadded: true) }

    private func text(digits: String, separator: Unicode.Scalar?) -> String {
        let digits = Array(digits.utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 3)
        for byte in bytes {
            if let separator, !text.isEmpty { text.append(UInt8(ascii: separator)) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
