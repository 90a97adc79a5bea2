/// Who the peer of a connection is: what its certificate says, after the chain has been verified.
///
/// A value of this type exists only for a certificate that the connection's trust accepted, and whose
/// private key the peer has shown to hold. Handlers and authorization decide by it; it is the same on
/// every transport.
public struct PeerIdentity: Sendable, Hashable {
    /// The subject alternative names of the leaf, in the order of the certificate.
    public var names: [PeerName]

    /// The first common name of the leaf's subject.
    ///
    /// For display: authorize by ``names`` or a fingerprint.
    public var commonName: String?

    /// SHA-256 of the leaf's DER.
    public var fingerprint: Fingerprint

    /// SHA-256 of the leaf's public key (SubjectPublicKeyInfo, RFC 5280 section 4.1).
    ///
    /// It stays the same when a certificate is renewed for the same key.
    public var publicKeyFingerprint: Fingerprint

    /// The certificates as they were validated, in DER, leaf first, up to and including the root.
    public var chain: [Bytes]

    public init(
        names: [PeerName],
        commonName: String?,
        fingerprint: Fingerprint,
        publicKeyFingerprint: Fingerprint,
        chain: [Bytes]
    ) {
        self.names = names
        self.commonName = commonName
        self.fingerprint = fingerprint
        self.publicKeyFingerprint = publicKeyFingerprint
        self.chain = chain
    }
}

extension PeerIdentity: CustomStringConvertible {
    /// The common name or else the first name, and the fingerprint.
    public var description: String {
        "\(commonName ?? names.first?.description ?? "(no name)") \(fingerprint)"
    }
}

/// A name in a certificate (a subject alternative name, RFC 5280 section 4.2.1.6).
public enum PeerName: Sendable, Hashable {
    /// A host name; may begin with `*.`.
    case dns(String)
    /// An IP address in its textual form: `192.0.2.7`, `2001:db8::7`.
    case ip(String)
    /// A URI, such as a SPIFFE id.
    case uri(String)
    /// An e-mail address.
    case email(String)
}

extension PeerName: CustomStringConvertible {
    /// The kind and the name, as in `DNS:node-7.example`.
    public var description: String {
        switch self {
        case .dns(let name): "DNS:\(name)"
        case .ip(let address): "IP:\(address)"
        case .uri(let uri): "URI:\(uri)"
        case .email(let address): "email:\(address)"
        }
    }
}
