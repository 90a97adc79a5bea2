import DAGProtocol
import Foundation

@testable import DAGStore

/// A store in a directory of its own, which goes away with it.
final class StoreFixture {
    let directory: String
    let store: SQLiteStore

    static let now = Timestamp(microseconds: 1_700_000_000_000_000)

    init() throws {
        directory = Self.newDirectory()
        store = try SQLiteStore(directory: directory, now: { Self.now })
    }

    deinit {
        try? store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    static func newDirectory() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
    }

    static func transaction(
        _ id: String, payload: String = "payload", parents: [String] = [], timestamp: Int64 = now.microseconds
    ) throws -> Transaction {
        var message = Tx()
        message.txID = id
        message.holderID = "holder"
        message.timestamp = timestamp
        message.payload = Data(payload.utf8)
        message.parentIds = parents
        return try Transaction(validating: message, now: now)
    }

    func store(_ transactions: [Transaction]) async throws {
        let store = store
        try await withThrowingDiscardingTaskGroup { group in
            for transaction in transactions {
                group.addTask { _ = try await store.store(transaction, from: .submitted) }
            }
        }
    }

    func linkAll() async throws {
        while try await store.linkPending(limit: 10).hasMore {}
    }
}
