public import NodeTransport

/// A certificate or a public key that is known in advance, by its SHA-256.
///
/// A pin on a public key (SPKI) outlives the renewal of a certificate that keeps its key; a pin on a certificate also
/// fixes the names in it.
public struct Pin: Sendable, Hashable {
    enum Subject: Sendable, Hashable {
        case certificate, publicKey
    }

    let subject: Subject

    /// The SHA-256 of what is pinned.
    public let fingerprint: Fingerprint

    private init(_ subject: Subject, _ fingerprint: Fingerprint) {
        self.subject = subject
        self.fingerprint = fingerprint
    }

    /// A certificate, by the SHA-256 of its DER: `openssl x509 -fingerprint -sha256`.
    public static func certificate(_ fingerprint: Fingerprint) -> Pin { Pin(.certificate, fingerprint) }

    /// A public key, by the SHA-256 of its SubjectPublicKeyInfo (RFC 5280 section 4.1): curl's `--pinnedpubkey`.
    public static func publicKey(_ fingerprint: Fingerprint) -> Pin { Pin(.publicKey, fingerprint) }

    /// A pin as text: `cert:` or `spki:` and then a fingerprint in any of its forms.
    ///
    /// Without such a prefix the custom of other programs decides: hexadecimal is a certificate's fingerprint (openssl,
    /// browsers), base64 a public key's (curl, HPKP).
    ///
    /// - Throws: ``TLSError`` with ``TLSError/Code/malformedPin``.
    public init(parsing text: String) throws(TLSError) {
        let trimmed = text.trimmingBlanks()
        let (prefix, rest) = Self.splitPrefix(trimmed)
        guard let fingerprint = Fingerprint(parsing: String(rest)) else {
            throw TLSError(
                .malformedPin,
                "'\(printableStart(of: trimmed))' is not the SHA-256 of a certificate (64 hexadecimal digits, colons or "
                    + "none) or of a public key (sha256/ and base64)"
            )
        }
        // Base64 of 32 bytes is at most 51 characters long with what may stand before it, hexadecimal at least 64.
        let isBase64 = rest.utf8.count < 64
        self.init(prefix ?? (isBase64 ? .publicKey : .certificate), fingerprint)
    }

    private static func splitPrefix(_ text: Substring) -> (Subject?, Substring) {
        for (prefix, subject) in [("cert:", Subject.certificate), ("spki:", .publicKey)] where text.hasPrefix(prefix) {
            return (subject, text.dropFirst(prefix.count))
        }
        return (nil, text)
    }

    /// The pins in a text: one a line; empty lines and what follows a `#` are ignored.
    ///
    /// - Throws: ``TLSError`` that names the source and the line.
    public static func all(in text: Bytes, source: String) throws(TLSError) -> Set<Pin> {
        var pins: Set<Pin> = []
        let lines = String(decoding: Array(text), as: UTF8.self)
            .split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() {
            let entry = line.prefix { $0 != "#" }
            guard entry.contains(where: { !$0.isWhitespace }) else { continue }
            do throws(TLSError) {
                pins.insert(try Pin(parsing: String(entry)))
            } catch {
                throw TLSError(error.code, "line \(index + 1): \(error.message)", file: source)
            }
        }
        return pins
    }

    /// Whether `certificate` is, or has, what is pinned.
    func matches(_ certificate: Certificate) -> Bool {
        switch subject {
        case .certificate: certificate.fingerprint == fingerprint
        case .publicKey: certificate.publicKeyFingerprint == fingerprint
        }
    }
}

extension Pin: CustomStringConvertible {
    /// A text from which ``init(parsing:)`` makes the same pin: `cert:0a:1b:…` or `spki:sha256/…=`.
    public var description: String {
        switch subject {
        case .certificate: "cert:\(fingerprint)"
        case .publicKey: "spki:\(fingerprint.base64)"
        }
    }
}

extension Set<Pin> {
    /// Whether any of the pins is on a certificate of `chain`.
    func contain(anyOf chain: [Certificate]) -> Bool {
        contains { pin in chain.contains { pin.matches($0) } }
    }
}

extension String {
    /// The text without blanks at its ends.
    func trimmingBlanks() -> Substring {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}

/// The first characters of a text from outside, harmless in a log.
func printableStart(of text: Substring) -> String {
    let start = text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : Character($0) }
    return String(start) + (text.unicodeScalars.count > 80 ? "…" : "")
}
