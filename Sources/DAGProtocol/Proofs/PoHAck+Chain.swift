public import FoundationEssentials
public import TransactionSignatures

/// The end of a holder's chain of answers.
public struct PoHChainHead: Sendable, Hashable {
    /// The last answer's number; 0 before the first.
    public let sequence: UInt64
    /// The last answer's hash; zeros before the first.
    public let hash: Hash256

    /// Before the first answer.
    public static let start = PoHChainHead(sequence: 0, hash: .zero)

    public init(sequence: UInt64, hash: Hash256) {
        self.sequence = sequence
        self.hash = hash
    }
}

extension PoHAck {
    /// The holder's answer to `request`, signed and chained behind `head`; `proof` is ``PoHRequest/proof(of:)``.
    public init(
        to request: PoHRequest, proof: Data, behind head: PoHChainHead, holder: String, key: SigningKey, now: Timestamp
    ) throws {
        self.init()
        self.proof = proof
        previous = head.hash.data
        sequence = head.sequence &+ 1
        holderID = holder
        answeredAt = now.microseconds
        publicKey = key.publicKey.data
        signature = try key.signature(of: hash(answering: request))
    }

    /// What the signature covers, and what the next answer names as the previous one.
    ///
    /// The fields are hashed as those of a transaction are (``Tx/contentHash``): the text `poh.PoHAck`, then of the
    /// request `tx_id` or `fragment_id` (the name of the field), the id, `nonce`, `asked_at`, and of the answer
    /// `proof`, `previous`, `sequence`, `holder_id`, `answered_at`, `public_key`.
    public func hash(answering request: PoHRequest) -> Hash256 {
        let (kind, id) = request.subjectFields
        var hasher = FieldHasher("poh.PoHAck")
        hasher.add(kind)
        hasher.add(id)
        hasher.add(request.nonce)
        hasher.add(request.askedAt)
        hasher.add(proof)
        hasher.add(previous)
        hasher.add(sequence)
        hasher.add(holderID)
        hasher.add(answeredAt)
        hasher.add(publicKey)
        return hasher.finish()
    }

    /// Checks an answer against the payload that the asker has.
    ///
    /// - Parameters:
    ///   - request: What was asked.
    ///   - payload: The payload that the holder must have.
    ///   - holder: The holder's id.
    ///   - publicKey: The holder's key.
    ///   - head: The holder's last answer that the asker has seen. Answers to others may stand between.
    /// - Throws: ``InvalidField`` that says what is wrong: the answer proves nothing.
    public func verify(
        answers request: PoHRequest, payload: Data, holder: String, publicKey: Data, after head: PoHChainHead
    ) throws(InvalidField) {
        guard holderID == holder else { throw InvalidField("holder_id", "\(holderID) answered instead of \(holder)") }
        guard self.publicKey == publicKey else { throw InvalidField("public_key", "is not the key of \(holder)") }
        guard proof == request.proof(of: payload) else { throw InvalidField("proof", "does not match the payload") }
        guard VerificationKey.isValid(signature, of: hash(answering: request), by: publicKey) else {
            throw InvalidField("signature", "is not \(holder)'s signature of the answer")
        }
        guard sequence > head.sequence, sequence <= Int64.max else {
            throw InvalidField("sequence", "\(sequence) does not follow \(head.sequence): the chain was cut or forked")
        }
        guard let previous = Hash256(bytes: previous), sequence - head.sequence > 1 || previous == head.hash else {
            throw InvalidField("previous", "is not the hash of answer \(head.sequence): the chain was forked")
        }
    }
}
