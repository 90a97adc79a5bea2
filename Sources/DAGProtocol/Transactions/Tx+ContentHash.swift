internal import FoundationEssentials
public import TransactionSignatures

extension Tx {
    /// SHA-256 over a length-prefixed encoding of all fields but the signature.
    ///
    /// The fields, each preceded by its length as 8 bytes big-endian, are: the text `dag.Tx`, `tx_id`, `holder_id`,
    /// `timestamp` (8 bytes big-endian), `payload`, the number of parents (8 bytes big-endian), each of
    /// `parent_ids` in order, `public_key`.
    public var contentHash: Hash256 {
        var hasher = FieldHasher("dag.Tx")
        hasher.add(txID)
        hasher.add(holderID)
        hasher.add(timestamp)
        hasher.add(payload)
        hasher.add(parentIds)
        hasher.add(publicKey)
        return hasher.finish()
    }

    /// Adds the signature of `key`'s owner over the content hash.
    public mutating func sign(with key: SigningKey) throws {
        publicKey = key.publicKey.data
        signature = try key.signature(of: contentHash)
    }

    /// The transaction that `request` submits.
    public init(_ request: TxRequest) {
        self.init()
        txID = request.txID
        holderID = request.holderID
        timestamp = request.timestamp
        payload = request.payload
        parentIds = request.parentIds
        signature = request.signature
        publicKey = request.publicKey
    }
}

extension TxRequest {
    /// The request that submits `transaction`.
    public init(_ transaction: Tx) {
        self.init()
        txID = transaction.txID
        holderID = transaction.holderID
        timestamp = transaction.timestamp
        payload = transaction.payload
        parentIds = transaction.parentIds
        signature = transaction.signature
        publicKey = transaction.publicKey
    }
}
