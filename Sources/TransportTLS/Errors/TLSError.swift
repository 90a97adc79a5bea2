/// Why an identity could not be loaded, a chain was refused, or a session failed.
///
/// The text names the file and PEM block, or the certificate of the peer, that is at fault. It never
/// holds key material or a passphrase.
public struct TLSError: Error, Sendable, Hashable {
    /// What kind of failure it is.
    public var code: Code

    /// What happened, for a person to read; ``description`` puts the origin before it.
    public var message: String

    /// The file (or the name given for bytes) that the failure is about.
    public var file: String?

    /// The PEM block in that file, counted from 1.
    public var block: Int?

    /// The alert that the peer sent, when ``code`` is ``Code/peerAlert``.
    public var alert: TLSAlert?

    public init(_ code: Code, _ message: String, file: String? = nil, block: Int? = nil, alert: TLSAlert? = nil) {
        self.code = code
        self.message = message
        self.file = file
        self.block = block
        self.alert = alert
    }
}

extension TLSError: CustomStringConvertible {
    /// For instance `node.pem, block 2: certificate CN=node-b expired on 2024-05-01 12:00:00 UTC`.
    public var description: String {
        guard let file else { return message }
        guard let block else { return "\(file): \(message)" }
        return "\(file), block \(block): \(message)"
    }
}

extension TLSError {
    /// What kind of failure it is; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            // Loading and writing
            case unreadable, unwritable, fileExists, noPEMBlocks, malformedPEM, wrongBlockType
            case malformedCertificate, malformedKey, unsupportedKey, encryptedKey, wrongPassphrase, keyMismatch
            case invalidConfiguration, malformedPin
            case malformedPKCS12, unsupportedCipher, excessiveWork
            // Certificates
            case expired, notYetValid, untrustedIssuer, selfSigned, nameMismatch, wrongPurpose, authorityAsLeaf
            case invalidAuthority, badSignature, weakKey, weakSignature, nameConstraint, unknownCriticalExtension
            case revoked, invalidCertificate, noCertificate, pinMismatch
            // Sessions
            case peerAlert, noApplicationProtocol, protocolVersion, noSharedParameters, notTLS, protocolViolation
            case sessionClosed, internalFailure
        }

        private let name: Name

        public var description: String { name.rawValue }

        /// A file cannot be read.
        public static let unreadable = Code(name: .unreadable)
        /// A file cannot be written.
        public static let unwritable = Code(name: .unwritable)
        /// A file that must not be overwritten is there already.
        public static let fileExists = Code(name: .fileExists)
        /// There is no PEM block in the input.
        public static let noPEMBlocks = Code(name: .noPEMBlocks)
        /// A PEM block is cut short, or holds something other than base64.
        public static let malformedPEM = Code(name: .malformedPEM)
        /// The PEM blocks hold something other than what is looked for.
        public static let wrongBlockType = Code(name: .wrongBlockType)
        /// The bytes are not a certificate.
        public static let malformedCertificate = Code(name: .malformedCertificate)
        /// The bytes are not a private key.
        public static let malformedKey = Code(name: .malformedKey)
        /// The key or certificate is one that TLS cannot use here (too weak, for instance).
        public static let unsupportedKey = Code(name: .unsupportedKey)
        /// The key is encrypted and no passphrase was given.
        public static let encryptedKey = Code(name: .encryptedKey)
        /// The key does not decrypt with the passphrase.
        public static let wrongPassphrase = Code(name: .wrongPassphrase)
        /// The private key belongs to none of the certificates.
        public static let keyMismatch = Code(name: .keyMismatch)
        /// The configuration asks for something impossible, such as a server without identity.
        public static let invalidConfiguration = Code(name: .invalidConfiguration)
        /// A text is not a pin.
        public static let malformedPin = Code(name: .malformedPin)
        /// The bytes are not a PKCS#12 file, or one that is broken.
        public static let malformedPKCS12 = Code(name: .malformedPKCS12)
        /// Something is encrypted in a way that the linked OpenSSL cannot undo.
        public static let unsupportedCipher = Code(name: .unsupportedCipher)
        /// A file asks for more key derivation than is allowed; none of it was done.
        public static let excessiveWork = Code(name: .excessiveWork)

        /// A certificate has expired.
        public static let expired = Code(name: .expired)
        /// A certificate is not valid yet.
        public static let notYetValid = Code(name: .notYetValid)
        /// The chain does not end at a certificate that is trusted.
        public static let untrustedIssuer = Code(name: .untrustedIssuer)
        /// The peer's certificate signs itself and is not trusted.
        public static let selfSigned = Code(name: .selfSigned)
        /// The peer's certificate is not for the name or address that was asked for.
        public static let nameMismatch = Code(name: .nameMismatch)
        /// The certificate may not be used by this side of a TLS connection.
        public static let wrongPurpose = Code(name: .wrongPurpose)
        /// The peer shows a certificate authority's certificate as its own.
        public static let authorityAsLeaf = Code(name: .authorityAsLeaf)
        /// A certificate in the chain may not issue certificates, or not at this depth.
        public static let invalidAuthority = Code(name: .invalidAuthority)
        /// A signature in the chain is wrong.
        public static let badSignature = Code(name: .badSignature)
        /// A key in the chain is too short.
        public static let weakKey = Code(name: .weakKey)
        /// A signature in the chain uses a digest that is too weak.
        public static let weakSignature = Code(name: .weakSignature)
        /// A name violates the name constraints of an authority.
        public static let nameConstraint = Code(name: .nameConstraint)
        /// A critical extension is not understood.
        public static let unknownCriticalExtension = Code(name: .unknownCriticalExtension)
        /// A certificate is revoked.
        public static let revoked = Code(name: .revoked)
        /// A certificate breaks RFC 5280 in some other way; the message says which.
        public static let invalidCertificate = Code(name: .invalidCertificate)
        /// The peer sent no certificate although one is required.
        public static let noCertificate = Code(name: .noCertificate)
        /// The validated chain holds none of the certificates and keys that are pinned.
        public static let pinMismatch = Code(name: .pinMismatch)

        /// The peer ended the session with an alert; see ``TLSError/alert``.
        public static let peerAlert = Code(name: .peerAlert)
        /// The two sides have no application protocol (ALPN) in common.
        public static let noApplicationProtocol = Code(name: .noApplicationProtocol)
        /// The two sides have no TLS version in common.
        public static let protocolVersion = Code(name: .protocolVersion)
        /// The two sides have no cipher, group or signature algorithm in common.
        public static let noSharedParameters = Code(name: .noSharedParameters)
        /// The peer does not speak TLS.
        public static let notTLS = Code(name: .notTLS)
        /// The peer breaks the TLS protocol, or its bytes were altered on the way.
        public static let protocolViolation = Code(name: .protocolViolation)
        /// The session is closed, or its handshake is not complete, and cannot do what was asked.
        public static let sessionClosed = Code(name: .sessionClosed)
        /// OpenSSL failed for a reason of its own, such as a lack of memory.
        public static let internalFailure = Code(name: .internalFailure)
    }
}
