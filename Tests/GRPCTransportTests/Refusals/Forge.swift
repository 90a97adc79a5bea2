import GRPCTransport
import NodeTransport
import TransportTLS

/// A root that the tests' peers trust, and certificates below it that are right or wrong in one point.
struct Forge: Sendable {
    private static let made = Result { try Forge() }

    /// One for the whole run.
    static var shared: Forge { get throws { try made.get() } }

    let root: KeyedCertificate
    /// Trusted as well: MD5 goes with RSA only.
    let rsaRoot: KeyedCertificate
    let trust: Trust
    /// Whom all accept.
    let node: Identity

    private init() throws {
        root = try Self.authority("Root CA")
        rsaRoot = try Self.authority("RSA Root CA", keyType: .rsa2048)
        trust = try Self.trust([root, rsaRoot])
        let leaf = try Self.leaf("node", issuer: root) {
            $0.names = [.dns("localhost"), .ip("127.0.0.1"), .ip("::1")]
        }
        node = try Identity(certificatePEM: leaf.pem, keyPEM: leaf.keyPEM())
    }

    static func trust(_ roots: [KeyedCertificate]) throws -> Trust {
        try Trust.roots(pem: Bytes(roots.flatMap { Array($0.pem) }), source: "forged roots")
    }

    /// The good peer, who trusts the roots and perhaps some others.
    func good(trusting others: [KeyedCertificate] = [], isNameChecked: Bool = true) throws -> GRPCTransport.Security {
        let trust = try Self.trust([root, rsaRoot] + others)
        return .mutualTLS(identity: node, trust: isNameChecked ? trust : trust.checkingName(.none))
    }

    /// A peer of which nothing is checked before it shows itself.
    func bad(_ identity: Identity) -> GRPCTransport.Security { .mutualTLS(identity: identity, trust: trust) }

    // MARK: Certificates

    /// A leaf `CN=odd` for the loopback's addresses, right but for what `change` makes of it.
    func leaf(
        of issuer: KeyedCertificate? = nil, keyType: KeyType = .p256,
        _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> KeyedCertificate {
        try Self.leaf("odd", issuer: issuer ?? root, keyType: keyType, change)
    }

    /// An authority `CN=Middle CA` below the root.
    func middle(
        _ name: String = "Middle CA", of issuer: KeyedCertificate? = nil, keyType: KeyType = .p256,
        keyOf other: KeyedCertificate? = nil, _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> KeyedCertificate {
        try Self.authority(name, issuer: issuer ?? root, keyType: keyType, keyOf: other, change)
    }

    static func leaf(
        _ name: String, issuer: KeyedCertificate?, keyType: KeyType = .p256,
        _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> KeyedCertificate {
        var template = template(name)
        template.names = [.ip("127.0.0.1"), .ip("::1")]
        template.extendedKeyUsages = [.serverAuthentication, .clientAuthentication]
        change(&template)
        return try KeyedCertificate(template, issuer: issuer, keyType: keyType)
    }

    static func authority(
        _ name: String, issuer: KeyedCertificate? = nil, keyType: KeyType = .p256, keyOf other: KeyedCertificate? = nil,
        _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> KeyedCertificate {
        var template = template(name)
        template.isAuthority = true
        change(&template)
        return try KeyedCertificate(template, issuer: issuer, keyType: keyType, keyOf: other)
    }

    private static func template(_ name: String) -> CertificateTemplate {
        let now = WallTime.now
        return CertificateTemplate(commonName: name, notBefore: now.adding(days: -1), notAfter: now.adding(days: 1))
    }
}

extension CertificateTemplate {
    /// Valid for a day that has passed.
    mutating func expire() { (notBefore, notAfter) = (.now.adding(days: -3), .now.adding(days: -2)) }

    /// Valid for a day that is to come.
    mutating func postpone() { (notBefore, notAfter) = (.now.adding(days: 2), .now.adding(days: 3)) }
}

extension KeyedCertificate {
    /// The same with one bit of the signature changed.
    func corrupted() -> KeyedCertificate {
        var bytes = Array(der)
        bytes[bytes.count - 1] ^= 1
        return replacingDER(Bytes(bytes))
    }
}

extension CertificateExtension {
    /// Of an issuer that does not name its key itself.
    static let someAuthorityKeyIdentifier = CertificateExtension(
        "2.5.29.35", DER.sequence([DER.value(0x80, [UInt8](repeating: 7, count: 20))]))
}

extension TLSAlert {
    static let decryptError = TLSAlert(rawValue: 51)
}
