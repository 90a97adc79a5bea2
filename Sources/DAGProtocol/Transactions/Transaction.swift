internal import FoundationEssentials
internal import TransactionSignatures

/// A transaction that has been checked, with its content hash.
public struct Transaction: Sendable, Hashable {
    /// The transaction as it travels.
    public let message: Tx
    /// SHA-256 over all fields but the signature; what the signature covers.
    public let contentHash: Hash256

    /// Chosen by the submitter.
    public var id: String { message.txID }

    /// Checks `message` and computes its content hash.
    ///
    /// - Parameters:
    ///   - message: What a client or a peer sent.
    ///   - now: The node's clock.
    ///   - limits: What the node accepts.
    /// - Throws: ``InvalidField`` that names the field.
    public init(
        validating message: Tx, now: Timestamp, limits: TransactionLimits = TransactionLimits()
    ) throws(InvalidField) {
        try Self.checkID("tx_id", message.txID, mayBeEmpty: false)
        try Self.checkID("holder_id", message.holderID, mayBeEmpty: true)
        try Self.check(timestamp: message.timestamp, now: now, limits: limits)
        guard message.payload.count <= limits.maximumPayloadBytes else {
            throw InvalidField(
                "payload", "\(message.payload.count) bytes, at most \(limits.maximumPayloadBytes) are accepted")
        }
        try Self.check(parents: message.parentIds, of: message.txID, limits: limits)
        let hash = message.contentHash
        try Self.checkSignature(message, hash)
        self.init(trusted: message, contentHash: hash)
    }

    /// For what was checked before it was stored.
    package init(trusted message: Tx, contentHash: Hash256) {
        self.message = message
        self.contentHash = contentHash
    }

    /// An id that ``Transaction/init(validating:now:limits:)`` would accept.
    ///
    /// - Throws: ``InvalidField`` with the name `field`.
    public static func checkID(_ field: String, _ id: String, mayBeEmpty: Bool = false) throws(InvalidField) {
        guard mayBeEmpty || !id.isEmpty else { throw InvalidField(field, "is missing") }
        let limit = TransactionLimits.maximumIDBytes
        guard id.utf8.count <= limit else {
            throw InvalidField(field, "\(id.utf8.count) bytes, at most \(limit) are accepted")
        }
        guard id.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw InvalidField(field, "has a character that is not printable ASCII, or a blank")
        }
    }

    private static func check(timestamp: Int64, now: Timestamp, limits: TransactionLimits) throws(InvalidField) {
        guard timestamp >= 0 else { throw InvalidField("timestamp", "\(timestamp) is before 1970") }
        let advance = Timestamp(microseconds: timestamp).duration(since: now)
        guard advance <= limits.maximumClockAdvance else {
            throw InvalidField(
                "timestamp",
                "\(timestamp) µs is \(advance.components.seconds) s ahead of this node's clock, at most "
                    + "\(limits.maximumClockAdvance.components.seconds) s are accepted")
        }
    }

    private static func check(parents: [String], of id: String, limits: TransactionLimits) throws(InvalidField) {
        guard parents.count <= limits.maximumParents else {
            throw InvalidField("parent_ids", "\(parents.count) parents, at most \(limits.maximumParents) are accepted")
        }
        for parent in parents {
            try checkID("parent_ids", parent)
            guard parent != id else { throw InvalidField("parent_ids", "the transaction is its own parent") }
        }
        guard Set(parents).count == parents.count else { throw InvalidField("parent_ids", "a parent stands twice") }
    }

    private static func checkSignature(_ message: Tx, _ hash: Hash256) throws(InvalidField) {
        guard !message.signature.isEmpty || !message.publicKey.isEmpty else { return }
        guard !message.signature.isEmpty else { throw InvalidField("signature", "is missing though public_key is set") }
        let key = try VerificationKey(message.publicKey, field: "public_key")
        guard message.signature.count == key.algorithm.signatureByteCount else {
            throw InvalidField(
                "signature",
                "\(message.signature.count) bytes, one of \(key.algorithm) has \(key.algorithm.signatureByteCount)")
        }
        guard key.isValid(message.signature, of: hash) else {
            throw InvalidField("signature", "is not public_key's signature of the content hash")
        }
    }
}
