/// The kind of a private key; more may be added.
public struct KeyType: Sendable, Hashable, CustomStringConvertible {
    let algorithm: String
    /// For elliptic curves on which ECDSA signs.
    let curve: String?
    /// For RSA.
    let bits: Int32

    public let description: String

    private init(curve: String, _ description: String) {
        algorithm = "EC"
        self.curve = curve
        bits = 0
        self.description = description
    }

    private init(algorithm: String, bits: Int32 = 0, _ description: String) {
        self.algorithm = algorithm
        curve = nil
        self.bits = bits
        self.description = description
    }

    /// ECDSA on P-256: small, fast, and known to every peer.
    public static let p256 = KeyType(curve: "P-256", "ECDSA P-256")
    /// ECDSA on P-384.
    public static let p384 = KeyType(curve: "P-384", "ECDSA P-384")
    /// ECDSA on P-521.
    public static let p521 = KeyType(curve: "P-521", "ECDSA P-521")
    /// RSA with 2048 bits: the least that peers accept.
    public static let rsa2048 = KeyType(algorithm: "RSA", bits: 2048, "RSA 2048")
    /// RSA with 3072 bits.
    public static let rsa3072 = KeyType(algorithm: "RSA", bits: 3072, "RSA 3072")
    /// RSA with 4096 bits; takes seconds to make.
    public static let rsa4096 = KeyType(algorithm: "RSA", bits: 4096, "RSA 4096")
    /// Ed25519: as fast as P-256; not every peer knows it.
    public static let ed25519 = KeyType(algorithm: "ED25519", "Ed25519")

    // For tests: what nobody should use, and what few do.
    package static let rsa1024 = KeyType(algorithm: "RSA", bits: 1024, "RSA 1024")
    package static let rsaPSS2048 = KeyType(algorithm: "RSA-PSS", bits: 2048, "RSA-PSS 2048")
    package static let p192 = KeyType(curve: "prime192v1", "ECDSA P-192")
    package static let p224 = KeyType(curve: "P-224", "ECDSA P-224")
    package static let secp256k1 = KeyType(curve: "secp256k1", "ECDSA secp256k1")
}
