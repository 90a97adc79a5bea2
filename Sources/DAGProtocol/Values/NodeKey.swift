internal import Crypto
public import FoundationEssentials

/// The Ed25519 key (RFC 8032) with which a node signs its proofs of holding and its repair requests.
public struct NodeKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new key.
    public init() { key = Curve25519.Signing.PrivateKey() }

    /// `nil` unless `rawRepresentation` is a key's 32 bytes.
    public init?(rawRepresentation: Data) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: rawRepresentation) else { return nil }
        self.key = key
    }

    /// 32 bytes that must stay secret.
    public var rawRepresentation: Data { key.rawRepresentation }

    /// The key by which others check, 32 bytes.
    public var publicKey: Data { key.publicKey.rawRepresentation }

    /// Signs `hash`: 64 bytes.
    public func signature(of hash: Hash256) throws -> Data { try key.signature(for: hash.data) }

    /// Whether `signature` is the one of `publicKey`'s owner for `hash`.
    public static func isValid(_ signature: Data, of hash: Hash256, by publicKey: Data) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: hash.data)
    }
}
