internal import FoundationEssentials
internal import NodeTransport
public import TransactionSignatures

/// A request of `repair.RepairService` with a signature in it.
public protocol AuthorizedRequest {
    var authorization: Authorization { get set }

    /// The path of its method.
    var methodPath: String { get }

    /// The hash of its fields but the authorization.
    var bodyHash: Hash256 { get }
}

extension AuthorizedRequest {
    /// How many bytes a nonce has.
    public static var nonceBytes: Int { 16 }

    /// How far the requester's clock may be from the recipient's.
    public static var maximumClockDifference: Duration { .seconds(300) }

    /// Signs the request for `recipient` with a new nonce.
    public mutating func authorize(
        as requester: String, key: SigningKey, for recipient: String, now: Timestamp
    ) throws {
        authorization = Authorization()
        authorization.requesterID = requester
        authorization.publicKey = key.publicKey.data
        authorization.recipientID = recipient
        authorization.nonce = Data.random(count: Self.nonceBytes)
        authorization.askedAt = now.microseconds
        authorization.signature = try key.signature(of: authorization.hash(methodPath, bodyHash))
    }

    /// Checks all but whether the nonce has been used before.
    ///
    /// - Throws: ``InvalidField`` that says what is wrong.
    public func verifyAuthorization(recipient: String, now: Timestamp) throws(InvalidField) {
        try Transaction.checkID("authorization.requester_id", authorization.requesterID)
        guard authorization.recipientID == recipient else {
            throw InvalidField(
                "authorization.recipient_id",
                "the request is for \"\(authorization.recipientID)\", this is \(recipient)")
        }
        guard authorization.nonce.count == Self.nonceBytes else {
            throw InvalidField(
                "authorization.nonce", "\(authorization.nonce.count) bytes instead of \(Self.nonceBytes)")
        }
        let age = now.duration(since: Timestamp(microseconds: authorization.askedAt))
        guard age <= Self.maximumClockDifference, age >= .zero - Self.maximumClockDifference else {
            throw InvalidField(
                "authorization.asked_at",
                "\(authorization.askedAt) µs is \(age.components.seconds) s from this node's clock")
        }
        let hash = authorization.hash(methodPath, bodyHash)
        guard VerificationKey.isValid(authorization.signature, of: hash, by: authorization.publicKey) else {
            throw InvalidField("authorization.signature", "is not public_key's signature of the request")
        }
    }
}

extension Authorization {
    /// What the signature covers: the text `repair.Authorization`, the method's path, the hash of the request's other
    /// fields, `requester_id`, `public_key`, `recipient_id`, `nonce`, `asked_at`, hashed as ``Tx/contentHash`` is.
    func hash(_ methodPath: String, _ body: Hash256) -> Hash256 {
        var hasher = FieldHasher("repair.Authorization")
        hasher.add(methodPath)
        hasher.add(body.data)
        hasher.add(requesterID)
        hasher.add(publicKey)
        hasher.add(recipientID)
        hasher.add(nonce)
        hasher.add(askedAt)
        return hasher.finish()
    }
}

extension CompareBucketsRequest: AuthorizedRequest {
    public var methodPath: String { Repair.compareBuckets.name.path }

    /// Of the text `repair.CompareBucketsRequest` and the list `prefixes`.
    public var bodyHash: Hash256 {
        var hasher = FieldHasher("repair.CompareBucketsRequest")
        hasher.add(prefixes)
        return hasher.finish()
    }
}

extension ListIdsRequest: AuthorizedRequest {
    public var methodPath: String { Repair.listIds.name.path }

    /// Of the text `repair.ListIdsRequest`, `prefix`, `after` and `limit`.
    public var bodyHash: Hash256 {
        var hasher = FieldHasher("repair.ListIdsRequest")
        hasher.add(prefix)
        hasher.add(after)
        hasher.add(UInt64(limit))
        return hasher.finish()
    }
}

extension FetchTransactionsRequest: AuthorizedRequest {
    public var methodPath: String { Repair.fetchTransactions.name.path }

    /// Of the text `repair.FetchTransactionsRequest`, the list `tx_ids` and `maximum_bytes`.
    public var bodyHash: Hash256 {
        var hasher = FieldHasher("repair.FetchTransactionsRequest")
        hasher.add(txIds)
        hasher.add(maximumBytes)
        return hasher.finish()
    }
}
