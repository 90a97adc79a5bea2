public import NodeTransport

/// Who we are: a certificate chain and the private key that belongs to its first certificate.
///
/// A value that exists has been checked: the key belongs to the leaf, the chain is in order, and every
/// certificate in it was valid at the time of loading. Its description and mirror never show the key.
public struct Identity: Sendable {
    /// The certificates in DER, leaf first, as they are sent to peers.
    public let chain: [Bytes]

    /// What peers will see of us.
    public let names: [PeerName]

    /// The subject of the leaf: `CN=node-7`.
    public let subject: String

    /// SHA-256 of the leaf's DER.
    public let fingerprint: Fingerprint

    /// SHA-256 of the leaf's public key (SPKI).
    public let publicKeyFingerprint: Fingerprint

    /// From when on the leaf is valid.
    public let notBefore: WallTime

    /// Until when the leaf is valid.
    public let notAfter: WallTime

    /// What is not wrong but should be looked at; for the log, once, at the start.
    ///
    /// A key file that others can read, certificates that are not part of the chain.
    public let warnings: [String]

    let key: PrivateKey

    /// Whether nothing of this was checked; then neither does TLS look at it before it is shown.
    let isUnchecked: Bool

    /// Checks what the loaders found, and puts it together.
    init(
        certificates loaded: [CertificateBlock],
        source: String,
        key privateKey: PrivateKey,
        keySource: String,
        now: WallTime,
        warnings: [String]
    ) throws(TLSError) {
        let (chain, unused) = try ChainBuilder.order(loaded, for: privateKey, file: source, keyFile: keySource)
        for block in chain { try block.checkValidity(at: now, file: source) }
        guard
            let leaf = chain.first?.certificate,
            let fingerprint = leaf.fingerprint, let publicKeyFingerprint = leaf.publicKeyFingerprint,
            let notBefore = leaf.notBefore, let notAfter = leaf.notAfter
        else { throw OpenSSLError.failure("reading the certificate in \(source)") }
        self.chain = chain.map(\.certificate.der)
        names = leaf.names
        subject = leaf.subject
        self.fingerprint = fingerprint
        self.publicKeyFingerprint = publicKeyFingerprint
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.warnings =
            warnings
            + unused.map {
                let place = $0.block.map { "\(source), block \($0)" } ?? source
                return "\(place): certificate \($0.certificate.subject) is not part of the chain and is not sent"
            }
        key = privateKey
        isUnchecked = false
    }

    /// Lends the private key to another TLS library, as unencrypted PKCS#8 in DER (RFC 5958).
    ///
    /// The memory is wiped when `body` returns; `body` must not keep a copy longer than it needs.
    ///
    /// - Throws: ``TLSError/Code/internalFailure`` when OpenSSL cannot encode the key, and what `body` throws.
    package func withPrivateKeyPKCS8<Result>(
        _ body: (RawSpan) throws(TLSError) -> Result
    ) throws(TLSError) -> Result {
        try key.withPKCS8(body)
    }
}

extension Identity: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Subject, names, fingerprint and expiry.
    public var description: String {
        let names = names.isEmpty ? "no names" : names.map(\.description).joined(separator: ", ")
        return "\(subject) (\(names)), SHA-256 \(fingerprint), valid until \(notAfter)"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
