public import FoundationEssentials
internal import NodeTransport
public import TransactionSignatures

// All signatures of the ledger are over the 32 bytes of a hash, of which the first field names the purpose. So ML-DSA
// needs no context.

extension SigningKey {
    /// Signs `hash`; how many bytes that are says the algorithm.
    public func signature(of hash: Hash256) throws(SignatureError) -> Data { Data(try sign(Bytes(hash.data))) }
}

extension VerificationKey {
    /// The key in a message; its length tells the algorithm.
    ///
    /// - Parameters:
    ///   - data: What came.
    ///   - field: The field's name.
    /// - Throws: ``InvalidField`` when there is no algorithm with such keys.
    public init(_ data: Data, field: String) throws(InvalidField) {
        do throws(SignatureError) {
            try self.init(rawRepresentation: Bytes(data))
        } catch {
            throw InvalidField(field, error.message)
        }
    }

    /// The key as it stands in a message.
    public var data: Data { Data(rawRepresentation) }

    /// Whether `signature` is the one of this key's owner for `hash`.
    public func isValid(_ signature: Data, of hash: Hash256) -> Bool {
        // What is longer is not even copied.
        signature.count == algorithm.signatureByteCount && isValid(Bytes(signature), for: Bytes(hash.data))
    }

    /// Whether `publicKey` is a key and `signature` the one of its owner for `hash`.
    static func isValid(_ signature: Data, of hash: Hash256, by publicKey: Data) -> Bool {
        (try? VerificationKey(publicKey, field: "public_key"))?.isValid(signature, of: hash) ?? false
    }
}
