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

    /// Loads a chain and its key from two PEM files (or one that holds both).
    ///
    /// - Parameters:
    ///   - certificateFile: The certificates, in any order; the leaf is the one the key belongs to.
    ///   - keyFile: One private key: PKCS#8, encrypted PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    ///   - passphrase: For an encrypted key.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the file, the block and the reason.
    public init(
        certificateFile: String,
        keyFile: String,
        passphrase: String? = nil,
        now: WallTime = .now
    ) throws(TLSError) {
        let certificates = try FileSystem.read(certificateFile)
        let key = try FileSystem.read(keyFile)
        var warnings: [String] = []
        if key.mode & 0o077 != 0 {
            let mode = String(key.mode & 0o777, radix: 8)
            warnings.append("\(keyFile): the private key is open to other users (mode 0\(mode)); 0600 is right")
        }
        try self.init(
            certificates: (certificates.contents, certificateFile),
            key: (key.contents, keyFile),
            passphrase: passphrase,
            now: now,
            warnings: warnings
        )
    }

    /// Loads a chain and its key from PEM text.
    ///
    /// - Parameters:
    ///   - certificatePEM: The certificates, in any order; the leaf is the one the key belongs to.
    ///   - keyPEM: One private key: PKCS#8, encrypted PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    ///   - passphrase: For an encrypted key.
    ///   - certificateSource: What errors call the first text.
    ///   - keySource: What errors call the second text.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the source, the block and the reason.
    public init(
        certificatePEM: Bytes,
        keyPEM: Bytes,
        passphrase: String? = nil,
        certificateSource: String = "certificate PEM",
        keySource: String = "key PEM",
        now: WallTime = .now
    ) throws(TLSError) {
        try self.init(
            certificates: (certificatePEM, certificateSource),
            key: (keyPEM, keySource),
            passphrase: passphrase,
            now: now,
            warnings: []
        )
    }

    private init(
        certificates: (text: Bytes, source: String),
        key: (text: Bytes, source: String),
        passphrase: String?,
        now: WallTime,
        warnings: [String]
    ) throws(TLSError) {
        let privateKey = try KeyLoader.load(key.text, file: key.source, passphrase: passphrase)
        let loaded = try CertificateBlock.all(in: certificates.text, file: certificates.source)
        let (chain, unused) = try ChainBuilder.order(
            loaded,
            for: privateKey,
            file: certificates.source,
            keyFile: key.source
        )
        for block in chain { try block.checkValidity(at: now, file: certificates.source) }
        guard
            let leaf = chain.first?.certificate,
            let fingerprint = leaf.fingerprint, let publicKeyFingerprint = leaf.publicKeyFingerprint,
            let notBefore = leaf.notBefore, let notAfter = leaf.notAfter
        else { throw OpenSSLError.failure("reading the certificate in \(certificates.source)") }
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
                "\(certificates.source), block \($0.block): certificate \($0.certificate.subject) is not part of the "
                    + "chain and is not sent"
            }
        self.key = privateKey
        isUnchecked = false
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
