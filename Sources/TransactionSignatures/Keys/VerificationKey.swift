internal import Crypto
internal import FoundationEssentials
public import NodeTransport

/// A public key by which signatures are checked.
public struct VerificationKey: Sendable {
    /// What it checks.
    public let algorithm: SignatureAlgorithm

    /// The key as it travels: 32 bytes (RFC 8032 section 5.1.5), or 1952 or 2592 (FIPS 204 section 5.1).
    public let rawRepresentation: Bytes

    private let key: Key

    private enum Key {
        case ed25519(Curve25519.Signing.PublicKey)
        case mlDSA65(MLDSA65.PublicKey)
        case mlDSA87(MLDSA87.PublicKey)
    }

    /// A key in its raw form; its length tells the algorithm.
    ///
    /// - Throws: ``SignatureError``: ``SignatureError/Code/malformedKey`` when there is no algorithm with keys of this
    ///   length.
    public init(rawRepresentation bytes: Bytes) throws(SignatureError) {
        guard let algorithm = SignatureAlgorithm(publicKeyByteCount: bytes.count) else {
            let lengths = SignatureAlgorithm.all.map { "\($0.publicKeyByteCount) (\($0))" }.joined(separator: ", ")
            throw SignatureError(.malformedKey, "\(bytes.count) bytes, a public key has one of \(lengths)")
        }
        do {
            let data = Data(bytes)
            switch algorithm.scheme {
            case .ed25519: key = .ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: data))
            case .mlDSA65: key = .mlDSA65(try MLDSA65.PublicKey(rawRepresentation: data))
            case .mlDSA87: key = .mlDSA87(try MLDSA87.PublicKey(rawRepresentation: data))
            }
        } catch {
            throw SignatureError(.malformedKey, "the \(bytes.count) bytes are not an \(algorithm) public key")
        }
        self.algorithm = algorithm
        rawRepresentation = bytes
    }

    init(_ key: Curve25519.Signing.PublicKey) {
        (algorithm, rawRepresentation, self.key) = (.ed25519, Bytes(key.rawRepresentation), .ed25519(key))
    }

    init(_ key: MLDSA65.PublicKey) {
        (algorithm, rawRepresentation, self.key) = (.mlDSA65, Bytes(key.rawRepresentation), .mlDSA65(key))
    }

    init(_ key: MLDSA87.PublicKey) {
        (algorithm, rawRepresentation, self.key) = (.mlDSA87, Bytes(key.rawRepresentation), .mlDSA87(key))
    }

    /// SHA-256 of the key as SubjectPublicKeyInfo, the form in which `openssl pkey -pubin -outform der` gives it.
    public var fingerprint: Fingerprint {
        guard let fingerprint = Fingerprint(bytes: Bytes(SHA256.hash(data: Data(der)))) else {
            preconditionFailure("a SHA-256 has 32 bytes")
        }
        return fingerprint
    }

    /// Whether `signature` is the one of this key's owner for `message`.
    ///
    /// - Parameters:
    ///   - signature: As it came; whatever is not well-formed is not valid.
    ///   - message: What was signed.
    ///   - context: What it was signed with (FIPS 204 section 5.2). With Ed25519, which has none, nothing but an empty
    ///     context is valid.
    public func isValid(_ signature: Bytes, for message: Bytes, context: Bytes = Bytes()) -> Bool {
        guard
            signature.count == algorithm.signatureByteCount, context.count <= algorithm.maximumContextByteCount
        else { return false }
        let (signature, message) = (Data(signature), Data(message))
        return switch key {
        case .ed25519(let key): key.isValidSignature(signature, for: message)
        case .mlDSA65(let key): key.isValidSignature(signature, for: message, context: Data(context))
        case .mlDSA87(let key): key.isValidSignature(signature, for: message, context: Data(context))
        }
    }
}

extension VerificationKey: Hashable {
    public static func == (left: VerificationKey, right: VerificationKey) -> Bool {
        left.rawRepresentation == right.rawRepresentation
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(rawRepresentation) }
}

extension VerificationKey: CustomStringConvertible {
    /// The algorithm and the fingerprint.
    public var description: String { "\(algorithm) key \(fingerprint)" }
}
