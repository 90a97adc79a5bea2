public import NodeTransport

/// A certificate authority for development and tests: makes identities for nodes on one machine.
///
/// Its key lies unencrypted beside its certificate. For production, use an authority that keeps its key.
public struct DevelopmentCA: Sendable {
    /// A certificate and its private key, both as PEM.
    public struct Issued: Sendable {
        /// The leaf alone: peers have the root, and nothing stands between.
        public let certificatePEM: Bytes

        /// PKCS#8, not encrypted.
        public let keyPEM: Bytes

        package init(certificatePEM: Bytes, keyPEM: Bytes) {
            self.certificatePEM = certificatePEM
            self.keyPEM = keyPEM
        }
    }

    /// The certificate of the authority, for ``Trust/roots(pem:source:)``.
    public let certificatePEM: Bytes

    /// When the authority's own certificate ends; nothing that it issues is valid for longer.
    public let notAfter: WallTime

    private let der: Bytes
    private let key: PrivateKey

    /// How far the validity of new certificates reaches back, for clocks that are behind.
    private static let backdatingSeconds: Int64 = 300

    /// Makes a new authority with a key of its own.
    ///
    /// - Parameters:
    ///   - commonName: 1 to 64 characters.
    ///   - keyType: The kind of the authority's key.
    ///   - validDays: For how long it is valid.
    ///   - now: The time to count from.
    public static func create(
        commonName: String = "Development CA",
        keyType: KeyType = .p256,
        validDays: Int = 3650,
        now: WallTime = .now
    ) throws(TLSError) -> DevelopmentCA {
        try create(commonName: commonName, validDays: validDays, now: now, key: PrivateKey.generate(keyType))
    }

    static func create(
        commonName: String,
        validDays: Int,
        now: WallTime,
        key: PrivateKey
    ) throws(TLSError) -> DevelopmentCA {
        var template = CertificateTemplate(
            commonName: commonName,
            notBefore: now.adding(seconds: -backdatingSeconds),
            notAfter: now.adding(days: validDays)
        )
        template.isAuthority = true
        return DevelopmentCA(certificate: try template.sign(key, issuer: nil, issuerKey: key), key: key)
    }

    /// An authority made earlier.
    ///
    /// - Throws: ``TLSError`` when the key does not belong to the certificate, when that has expired, or
    ///   when it is not an authority's.
    public init(
        certificatePEM: Bytes,
        keyPEM: Bytes,
        certificateSource: String = "CA certificate PEM",
        keySource: String = "CA key PEM",
        now: WallTime = .now
    ) throws(TLSError) {
        let key = try KeyLoader.load(keyPEM, file: keySource, passphrase: nil)
        let blocks = try CertificateBlock.all(in: certificatePEM, file: certificateSource)
        let (chain, _) = try ChainBuilder.order(blocks, for: key, file: certificateSource, keyFile: keySource)
        let authority = chain[0]
        try authority.checkValidity(at: now, file: certificateSource)
        guard authority.certificate.isAuthority else {
            throw TLSError(
                .invalidAuthority,
                "certificate \(authority.certificate.subject) is not an authority's",
                file: certificateSource,
                block: authority.block
            )
        }
        self.init(certificate: authority.certificate, key: key)
    }

    private init(certificate: Certificate, key: PrivateKey) {
        der = certificate.der
        certificatePEM = PEMBlock.encode(label: "CERTIFICATE", der)
        notAfter = certificate.notAfter ?? WallTime(secondsSince1970: 0)
        self.key = key
    }

    /// The authority's private key (PKCS#8, not encrypted), to be kept in a file of mode 0600.
    public func keyPEM() throws(TLSError) -> Bytes {
        try key.pem()
    }

    /// Makes a certificate and its key.
    ///
    /// - Parameters:
    ///   - name: The common name, 1 to 64 characters.
    ///   - dnsNames: Host names.
    ///   - ipAddresses: Addresses in textual form.
    ///   - uris: URIs, such as SPIFFE ids.
    ///   - keyType: The kind of its key.
    ///   - validDays: For how long it is valid, at most as long as the authority.
    ///   - notBefore: Instead of a few minutes before `now`.
    ///   - notAfter: Instead of `validDays` after `now`; also later than the authority's end.
    ///   - isCA: Makes an intermediate authority.
    ///   - pathLength: How many authorities may follow below it, if it is one; any number by default.
    ///   - nameConstraints: To which names it is confined, if it is an authority.
    ///   - extendedKeyUsages: By default both sides of TLS, and none for an authority.
    ///   - now: The time to count from.
    public func issue(
        name: String,
        dnsNames: [String] = [],
        ipAddresses: [String] = [],
        uris: [String] = [],
        keyType: KeyType = .p256,
        validDays: Int = 365,
        notBefore: WallTime? = nil,
        notAfter: WallTime? = nil,
        isCA: Bool = false,
        pathLength: Int? = nil,
        nameConstraints: NameConstraints? = nil,
        extendedKeyUsages: [ExtendedKeyUsage]? = nil,
        now: WallTime = .now
    ) throws(TLSError) -> Issued {
        guard isCA || (pathLength == nil && nameConstraints == nil), pathLength ?? 0 >= 0 else {
            throw TLSError(.invalidConfiguration, "a path length (0 or more) and name constraints are for authorities")
        }
        var template = CertificateTemplate(
            commonName: name,
            notBefore: notBefore ?? now.adding(seconds: -Self.backdatingSeconds),
            notAfter: notAfter ?? min(now.adding(days: validDays), self.notAfter)
        )
        template.names = dnsNames.map(PeerName.dns) + uris.map(PeerName.uri) + ipAddresses.map(PeerName.ip)
        template.isAuthority = isCA
        template.pathLength = pathLength
        template.nameConstraints = nameConstraints
        template.extendedKeyUsages =
            extendedKeyUsages ?? (isCA ? [] : [.serverAuthentication, .clientAuthentication])
        let subjectKey = try PrivateKey.generate(keyType)
        guard let issuer = Certificate(der: der) else { throw OpenSSLError.failure("reading the CA's certificate") }
        let certificate = try template.sign(subjectKey, issuer: issuer, issuerKey: key)
        return Issued(
            certificatePEM: PEMBlock.encode(label: "CERTIFICATE", certificate.der),
            keyPEM: try subjectKey.pem()
        )
    }
}

extension DevelopmentCA: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Subject, fingerprint and expiry.
    public var description: String {
        guard let certificate = Certificate(der: der), let fingerprint = certificate.fingerprint else { return "CA" }
        return "\(certificate.subject), SHA-256 \(fingerprint), valid until \(notAfter)"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension DevelopmentCA.Issued: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The certificate's subject; nothing of the key.
    public var description: String {
        let blocks = try? CertificateBlock.all(in: certificatePEM, file: "issued")
        return "certificate \(blocks?.first?.certificate.subject ?? "") and its key"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
