internal import NodeTransport

/// What a piece of DER looks like from outside: the forms in which certificates and keys are stored.
enum DERForm {
    case certificate
    /// RFC 5958, with or without the public key.
    case pkcs8
    /// RFC 5958 section 3.
    case encryptedPKCS8
    /// RFC 8017 appendix A.1.2.
    case rsaKey
    /// RFC 5915.
    case ecKey
    /// OpenSSL's own form of a DSA key.
    case dsaKey
    case publicKey
    /// RFC 2315 or RFC 5652: a bag of certificates, among other things.
    case pkcs7
    /// RFC 7292.
    case pkcs12
    case unknown

    /// Judged by the first elements within the outermost sequence.
    init(_ der: Bytes) {
        guard
            let outer = DERElement(in: der, at: 0, limit: der.count), outer.tag == DERElement.sequence,
            let parts = DERElement.all(in: der, range: outer.content, maximum: 9)
        else {
            self = .unknown
            return
        }
        let startsWithIdentifier = { (part: DERElement) in
            part.content.first.map { der[$0] == DERElement.objectIdentifier } ?? false
        }
        switch parts.prefix(3).map(\.tag) {
        case [DERElement.sequence, DERElement.sequence, DERElement.bitString]: self = .certificate
        case [DERElement.sequence, DERElement.bitString]: self = .publicKey
        case [DERElement.sequence, DERElement.octetString]: self = .encryptedPKCS8
        case [DERElement.integer, DERElement.sequence, DERElement.octetString]: self = .pkcs8
        case [DERElement.integer, DERElement.integer, DERElement.integer]: self = parts.count == 6 ? .dsaKey : .rsaKey
        case let tags where tags.starts(with: [DERElement.integer, DERElement.octetString]): self = .ecKey
        case let tags where tags.starts(with: [DERElement.integer, DERElement.sequence]):
            self = startsWithIdentifier(parts[1]) ? .pkcs12 : .unknown
        case let tags where tags.first == DERElement.objectIdentifier: self = .pkcs7
        default: self = .unknown
        }
    }

    var isPrivateKey: Bool {
        switch self {
        case .pkcs8, .encryptedPKCS8, .rsaKey, .ecKey, .dsaKey: true
        default: false
        }
    }

    /// For messages.
    var name: String {
        switch self {
        case .certificate: "a certificate"
        case .pkcs8: "a PKCS#8 private key"
        case .encryptedPKCS8: "an encrypted PKCS#8 private key"
        case .rsaKey: "a PKCS#1 private key"
        case .ecKey: "a SEC1 private key"
        case .dsaKey: "a DSA private key"
        case .publicKey: "a public key"
        case .pkcs7: "PKCS#7"
        case .pkcs12: "PKCS#12 (which an identity of its own initializer loads)"
        case .unknown: "something unknown"
        }
    }
}

/// Whether a file is PEM or DER, judged by its content.
enum FileFormat {
    case pem
    /// The entries, one behind the other.
    case der([Bytes])

    /// No chain and no set of roots is longer.
    private static let maximumEntryCount = 4096

    init(_ bytes: Bytes) {
        let entries = Self.entries(of: bytes)
        if let entries {
            self = .der(entries)
        } else if bytes.first == DERElement.sequence, !Self.hasPEMBlock(bytes) {
            // Cut short, or with something behind the end.
            self = .der([bytes])
        } else {
            self = .pem
        }
    }

    /// The sequences that make up all of `bytes`.
    private static func entries(of bytes: Bytes) -> [Bytes]? {
        guard
            let elements = DERElement.all(in: bytes, range: 0..<bytes.count, maximum: maximumEntryCount),
            !elements.isEmpty, elements.allSatisfy({ $0.tag == DERElement.sequence }),
            elements.last?.content.upperBound == bytes.count
        else { return nil }
        var start = 0
        return elements.map { element in
            defer { start = element.content.upperBound }
            return bytes.slice(start..<element.content.upperBound)
        }
    }

    private static func hasPEMBlock(_ bytes: Bytes) -> Bool {
        let begin = Array("-----BEGIN ".utf8)
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        return lines.contains { $0.starts(with: begin) }
    }
}
