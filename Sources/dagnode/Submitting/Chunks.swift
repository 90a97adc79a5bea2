internal import DAGProtocol
internal import Foundation

/// Transactions made of a file's bytes.
struct Chunks: Sendable {
    /// What the file is called in errors.
    let name: String
    let contents: Data
    /// How many bytes a transaction gets; `nil`: all of them.
    let chunkBytes: Int?
    let holder: String
    /// Microseconds since 1970 (UTC).
    let timestamp: Int64
    /// A given id; `-N` is appended where there are several.
    var id: String?
    /// Of who will sign; empty: nobody does.
    var publicKey = Data()

    var count: Int {
        guard let chunkBytes, !contents.isEmpty else { return 1 }
        return (contents.count + chunkBytes - 1) / chunkBytes
    }

    /// The transactions in order; each but the first has the one before it as its parent.
    ///
    /// An id that is not given is the content hash of the transaction without an id, so that sending the same file again
    /// is recognized as the same.
    func transactions() -> [Tx] {
        var transactions: [Tx] = []
        transactions.reserveCapacity(count)
        for index in 0..<count {
            var message = Tx()
            message.holderID = holder
            message.timestamp = timestamp
            let start = contents.startIndex + index * (chunkBytes ?? 0)
            message.payload = Data(contents[start..<min(start + (chunkBytes ?? contents.count), contents.endIndex)])
            if let previous = transactions.last { message.parentIds = [previous.txID] }
            message.publicKey = publicKey
            message.txID = id.map { count == 1 ? $0 : "\($0)-\(index)" } ?? message.contentHash.description
            transactions.append(message)
        }
        return transactions
    }
}
