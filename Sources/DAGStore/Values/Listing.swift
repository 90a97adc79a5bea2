public import DAGProtocol
public import FoundationEssentials

/// A transaction as peers list it.
public struct ListedTransaction: Sendable, Hashable {
    public let id: String
    public let contentHash: Hash256

    public init(id: String, contentHash: Hash256) {
        self.id = id
        self.contentHash = contentHash
    }
}

/// A part of a bucket's transactions.
public struct ListPage: Sendable, Hashable {
    public let transactions: [ListedTransaction]
    /// Where the next page begins; `nil` when this is the last.
    public let next: ListCursor?

    public init(transactions: [ListedTransaction], next: ListCursor?) {
        self.transactions = transactions
        self.next = next
    }
}

/// Where a page of a listing ended.
public struct ListCursor: Sendable, Hashable {
    /// Of the last transaction of the page.
    public let key: BucketKey
    /// Of the last transaction of the page.
    public let contentHash: Hash256

    public init(key: BucketKey, contentHash: Hash256) {
        self.key = key
        self.contentHash = contentHash
    }

    /// - Throws: ``/DAGProtocol/InvalidField`` with the name `field` unless `data` was made by ``data``.
    public init(data: Data, field: String = "after") throws(InvalidField) {
        guard data.count == 40, let hash = Hash256(bytes: data.suffix(32)) else {
            throw InvalidField(field, "\(data.count) bytes are not what a page gave as next")
        }
        self.init(key: BucketKey(value: data.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }), contentHash: hash)
    }

    /// The cursor as it travels: 40 bytes.
    public var data: Data {
        Data(stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: key.value >> UInt64($0)) })
            + contentHash.data
    }
}
