import DAGProtocol
import Foundation
import GRDB
import Testing
import TransactionSignatures

@testable import DAGStore

@Suite("Storing transactions", .timeLimit(.minutes(5)))
struct StoringTests {
    @Test func `What is stored comes back as it was`() async throws {
        let fixture = try StoreFixture()
        var message = Tx()
        message.txID = "tx"
        message.holderID = "holder"
        message.timestamp = 12
        message.payload = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        message.parentIds = ["b", "a"]
        try message.sign(with: SigningKey())
        let transaction = try Transaction(validating: message, now: StoreFixture.now)
        #expect(try await fixture.store.store(transaction, from: .submitted) == .stored)
        let batch = try await fixture.store.transactions(["tx"], maximumBytes: 1)
        #expect(batch.transactions == [transaction])
        #expect(try await fixture.store.payload(of: "tx") == message.payload)
        let record = try #require(try await fixture.store.record(of: "tx"))
        #expect(record.contentHash == transaction.contentHash)
        #expect(record.storedAt == StoreFixture.now)
        #expect(Set(record.missingParents) == ["a", "b"])
    }

    @Test func `What is not stored is not found`() async throws {
        let fixture = try StoreFixture()
        #expect(try await fixture.store.record(of: "none") == nil)
        #expect(try await fixture.store.payload(of: "none") == nil)
        let batch = try await fixture.store.transactions(["none"], maximumBytes: 1)
        #expect(batch.transactions.isEmpty)
        #expect(batch.consumed == 1)
        #expect(try await fixture.store.randomIDs(3).isEmpty)
    }

    @Test func `Storing twice changes nothing`() async throws {
        let fixture = try StoreFixture()
        let transaction = try StoreFixture.transaction("tx")
        try await fixture.store([transaction])
        let counts = try await fixture.store.counts()
        guard case .alreadyKnown(let record) = try await fixture.store.store(transaction, from: .broadcast) else {
            Issue.record("it was stored twice")
            return
        }
        #expect(record.contentHash == transaction.contentHash)
        #expect(try await fixture.store.counts() == counts)
    }

    @Test func `The same id with another content is refused and changes nothing`() async throws {
        let fixture = try StoreFixture()
        let transaction = try StoreFixture.transaction("tx")
        try await fixture.store([transaction])
        let counts = try await fixture.store.counts()
        let other = try StoreFixture.transaction("tx", payload: "other")
        #expect(
            try await fixture.store.store(other, from: .submitted) == .conflict(existing: transaction.contentHash))
        #expect(try await fixture.store.counts() == counts)
        #expect(try await fixture.store.payload(of: "tx") == Data("payload".utf8))
    }

    @Test func `Many at once share commits, and one of several with an id wins`() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        let outcomes = try await withThrowingTaskGroup(of: StoreOutcome.self) { group in
            for index in 0..<600 {
                let transaction = try StoreFixture.transaction("tx-\(index % 300)", payload: "\(index / 300)")
                group.addTask { try await store.store(transaction, from: .submitted) }
            }
            return try await group.reduce(into: [StoreOutcome]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .stored } == 300)
        #expect(outcomes.count { if case .conflict = $0 { true } else { false } } == 300)
        #expect(try await store.counts().transactions == 300)
    }

    @Test func `Commits wait for the disk`() async throws {
        let fixture = try StoreFixture()
        let modes = try await fixture.store.pool.writeWithoutTransaction { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode")
            )
        }
        #expect(modes.0 == 2, "FULL: the log is flushed before a commit returns")
        #expect(modes.1 == "wal")
    }

    @Test func `What was acknowledged is in the file, whatever becomes of the process`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store((0..<100).map { try StoreFixture.transaction("tx-\($0)") })
        // Copied while the store is open and has not been told to close, as after `kill -9`.
        let copy = StoreFixture.newDirectory()
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try FileManager.default.copyItem(atPath: fixture.directory, toPath: copy)
        let reopened = try SQLiteStore(directory: copy)
        defer { try? reopened.close() }
        #expect(try await reopened.counts() == fixture.store.counts())
        #expect(try await reopened.record(of: "tx-99") != nil)
    }

    @Test func `A batch ends where its bytes do`() async throws {
        let fixture = try StoreFixture()
        let payload = String(repeating: "x", count: 1_000)
        try await fixture.store((0..<5).map { try StoreFixture.transaction("tx-\($0)", payload: payload) })
        let ids = (0..<5).map { "tx-\($0)" }
        let batch = try await fixture.store.transactions(ids[...], maximumBytes: 3_000)
        #expect(batch.transactions.map(\.id) == ["tx-0", "tx-1"])
        #expect(batch.consumed == 2)
        #expect(try await fixture.store.transactions(ids[...], maximumBytes: 0).consumed == 1)
    }

    @Test func `Too much waiting to be written is refused`() async throws {
        let fixture = try StoreFixture()
        let error = try await #require(throws: StoreError.self) {
            try await fixture.store.commits.write(bytes: GroupCommit.maximumQueuedBytes + 1) { _ in }
        }
        #expect(error.code == .busy)
    }
}
