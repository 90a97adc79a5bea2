/// A way to sign transactions. More may be added.
public struct SignatureAlgorithm: Sendable, Hashable {
    enum Scheme: Hashable {
        case ed25519, mlDSA65, mlDSA87
    }

    let scheme: Scheme

    /// Ed25519 (RFC 8032): small and fast; a large quantum computer would break it.
    public static let ed25519 = SignatureAlgorithm(scheme: .ed25519)
    /// ML-DSA-65 (FIPS 204), also known as Dilithium3: holds against quantum computers, security category 3.
    public static let mlDSA65 = SignatureAlgorithm(scheme: .mlDSA65)
    /// ML-DSA-87 (FIPS 204), also known as Dilithium5: holds against quantum computers, security category 5.
    public static let mlDSA87 = SignatureAlgorithm(scheme: .mlDSA87)

    /// The algorithms that there are.
    public static let all: [SignatureAlgorithm] = [.ed25519, .mlDSA65, .mlDSA87]

    private init(scheme: Scheme) { self.scheme = scheme }

    /// The algorithm with this ``name``, in upper or lower case; `nil` when there is none.
    public init?(named name: String) {
        let wanted = name.lowercased()
        guard let match = Self.all.first(where: { $0.name.lowercased() == wanted }) else { return nil }
        self = match
    }

    /// The algorithm whose public keys have this many bytes; no two have the same.
    public init?(publicKeyByteCount: Int) {
        guard let match = Self.all.first(where: { $0.publicKeyByteCount == publicKeyByteCount }) else { return nil }
        self = match
    }

    /// The name in the standard: `Ed25519`, `ML-DSA-65`, `ML-DSA-87`.
    public var name: String {
        switch scheme {
        case .ed25519: "Ed25519"
        case .mlDSA65: "ML-DSA-65"
        case .mlDSA87: "ML-DSA-87"
        }
    }

    /// How many bytes a public key has in its raw form: 32, 1952, 2592.
    public var publicKeyByteCount: Int {
        switch scheme {
        case .ed25519: 32
        case .mlDSA65: 1_952
        case .mlDSA87: 2_592
        }
    }

    /// How many bytes a signature has: 64, 3309, 4627.
    public var signatureByteCount: Int {
        switch scheme {
        case .ed25519: 64
        case .mlDSA65: 3_309
        case .mlDSA87: 4_627
        }
    }

    /// How many bytes the seed has from which a key is derived: 32 for each.
    public var seedByteCount: Int { 32 }

    /// How long a context may be, in bytes: 255 for ML-DSA (FIPS 204 section 5.2), 0 for Ed25519, which has none.
    public var maximumContextByteCount: Int { scheme == .ed25519 ? 0 : 255 }

    /// The object identifier in certificates and key files (RFC 8410 section 3, RFC 9881 section 2), with dots.
    public var objectIdentifier: String {
        switch scheme {
        case .ed25519: "1.3.101.112"
        case .mlDSA65: "2.16.840.1.101.3.4.3.18"
        case .mlDSA87: "2.16.840.1.101.3.4.3.19"
        }
    }

    /// How many bytes the expanded private key of ML-DSA has (FIPS 204 table 2); `nil` for Ed25519.
    var expandedKeyByteCount: Int? {
        switch scheme {
        case .ed25519: nil
        case .mlDSA65: 4_032
        case .mlDSA87: 4_896
        }
    }
}

extension SignatureAlgorithm: CustomStringConvertible {
    /// The ``name``.
    public var description: String { name }
}
