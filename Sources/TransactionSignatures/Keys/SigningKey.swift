internal import Crypto
internal import FoundationEssentials
public import NodeTransport

/// A private key that signs: Ed25519, ML-DSA-65 or ML-DSA-87.
///
/// A value that exists can sign. Neither its description nor its mirror shows the key.
public struct SigningKey: Sendable {
    /// What it signs with.
    public let algorithm: SignatureAlgorithm

    /// The key by which others check.
    public let publicKey: VerificationKey

    private let secret: Secret

    private enum Secret {
        case ed25519(Curve25519.Signing.PrivateKey)
        case mlDSA65(MLDSA65.PrivateKey)
        case mlDSA87(MLDSA87.PrivateKey)
    }

    /// A new Ed25519 key; ``generate(_:)`` makes one of any algorithm.
    public init() {
        let key = Curve25519.Signing.PrivateKey()
        algorithm = .ed25519
        secret = .ed25519(key)
        publicKey = VerificationKey(key.publicKey)
    }

    /// A new key.
    ///
    /// - Throws: ``SignatureError`` when the cryptographic library cannot make one.
    public static func generate(_ algorithm: SignatureAlgorithm) throws(SignatureError) -> SigningKey {
        var random = SystemRandomNumberGenerator()
        var seed = Data(capacity: algorithm.seedByteCount)
        while seed.count < algorithm.seedByteCount { seed.append(UInt8.random(in: .min ... .max, using: &random)) }
        return try SigningKey(algorithm, seed: Bytes(seed))
    }

    /// The key that is derived from `seed`: the private key of RFC 8032 section 5.1.5, the ξ of FIPS 204
    /// section 5.1.
    ///
    /// - Parameters:
    ///   - algorithm: What it is to sign with.
    ///   - seed: 32 bytes that are secret and random.
    /// - Throws: ``SignatureError`` when there are not 32 bytes.
    public init(_ algorithm: SignatureAlgorithm, seed: Bytes) throws(SignatureError) {
        guard seed.count == algorithm.seedByteCount else {
            throw SignatureError(
                .malformedKey, "\(seed.count) bytes, the seed of an \(algorithm) key has \(algorithm.seedByteCount)")
        }
        self.algorithm = algorithm
        do {
            switch algorithm.scheme {
            case .ed25519:
                let key = try Curve25519.Signing.PrivateKey(rawRepresentation: Data(seed))
                (secret, publicKey) = (.ed25519(key), VerificationKey(key.publicKey))
            case .mlDSA65:
                let key = try MLDSA65.PrivateKey(seedRepresentation: Data(seed), publicKey: nil)
                (secret, publicKey) = (.mlDSA65(key), VerificationKey(key.publicKey))
            case .mlDSA87:
                let key = try MLDSA87.PrivateKey(seedRepresentation: Data(seed), publicKey: nil)
                (secret, publicKey) = (.mlDSA87(key), VerificationKey(key.publicKey))
            }
        } catch {
            throw SignatureError(.internalFailure, "an \(algorithm) key could not be derived from its seed")
        }
    }

    /// The 32 bytes from which the key is derived; they must stay secret.
    public var seed: Bytes {
        switch secret {
        case .ed25519(let key): Bytes(key.rawRepresentation)
        case .mlDSA65(let key): Bytes(key.seedRepresentation)
        case .mlDSA87(let key): Bytes(key.seedRepresentation)
        }
    }

    /// Signs `message`.
    ///
    /// Ed25519 gives the same signature each time. ML-DSA is the hedged variant of FIPS 204 section 3.4 with the
    /// message itself, not its hash: each signature is another, and all are valid.
    ///
    /// - Parameters:
    ///   - message: Of any length.
    ///   - context: Keeps signatures for different purposes apart (FIPS 204 section 5.2); at most 255 bytes for ML-DSA,
    ///     none for Ed25519. Who verifies must know it.
    /// - Throws: ``SignatureError``: ``SignatureError/Code/invalidContext`` when the context is too long.
    public func sign(_ message: Bytes, context: Bytes = Bytes()) throws(SignatureError) -> Bytes {
        guard context.count <= algorithm.maximumContextByteCount else {
            let limit = algorithm.maximumContextByteCount
            throw SignatureError(
                .invalidContext,
                limit == 0
                    ? "\(algorithm) signs without a context"
                    : "\(context.count) bytes, a context of \(algorithm) has at most \(limit)")
        }
        let message = Data(message)
        do {
            switch secret {
            case .ed25519(let key): return Bytes(try key.signature(for: message))
            case .mlDSA65(let key): return Bytes(try key.signature(for: message, context: Data(context)))
            case .mlDSA87(let key): return Bytes(try key.signature(for: message, context: Data(context)))
            }
        } catch {
            throw SignatureError(.internalFailure, "the \(algorithm) key could not sign")
        }
    }
}

extension SigningKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The algorithm and the fingerprint of the public key.
    public var description: String { "\(algorithm) signing key of \(publicKey.fingerprint)" }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
