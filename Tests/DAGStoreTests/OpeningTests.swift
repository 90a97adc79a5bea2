import DAGProtocol
import Foundation
import Testing

@testable import DAGStore

@Suite("Opening a store", .timeLimit(.minutes(5)))
struct OpeningTests {
    private func error(_ directory: String) throws -> StoreError {
        try #require(throws: StoreError.self) { try SQLiteStore(directory: directory) }
    }

    @Test func `A second opener is told that the first has it`() throws {
        let fixture = try StoreFixture()
        let error = try error(fixture.directory)
        #expect(error.code == .locked)
        #expect(error.message == "cannot lock \(fixture.directory)/lock: another process has it open")
    }

    @Test func `A file that is no database is refused in one line`() throws {
        let directory = StoreFixture.newDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/ledger.sqlite"
        try Data(repeating: 0x42, count: 8_192).write(to: URL(filePath: path))
        let error = try error(directory)
        #expect(error.code == .unreadable)
        #expect(error.message == "database \(path): file is not a database")
        #expect(!error.description.contains("\n"))
    }

    @Test func `A damaged database is reported, and a directory that cannot be made`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store((0..<200).map { try StoreFixture.transaction("tx-\($0)") })
        try fixture.store.close()
        let copy = StoreFixture.newDirectory()
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try FileManager.default.copyItem(atPath: fixture.directory, toPath: copy)
        let path = copy + "/ledger.sqlite"
        var data = try Data(contentsOf: URL(filePath: path))
        data.replaceSubrange(100..<4_096, with: Data(repeating: 0xff, count: 3_996))
        try data.write(to: URL(filePath: path))
        let damaged = try error(copy)
        #expect(damaged.code == .corrupt)
        #expect(damaged.message.hasPrefix("database \(path): "))
        let impossible = try error(path + "/below-a-file")
        #expect(impossible.code == .unreadable)
        #expect(impossible.message.contains(path))
    }

    @Test func `A store is found again as it was left`() async throws {
        let directory = StoreFixture.newDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let transaction = try StoreFixture.transaction("tx")
        do {
            let store = try SQLiteStore(directory: directory)
            _ = try await store.store(transaction, from: .submitted)
            try store.close()
        }
        let store = try SQLiteStore(directory: directory)
        defer { try? store.close() }
        #expect(try await store.transactions(["tx"], maximumBytes: 1).transactions == [transaction])
    }
}
