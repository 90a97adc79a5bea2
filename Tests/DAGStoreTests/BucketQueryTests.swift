import DAGProtocol
import Foundation
import Testing

@testable import DAGStore

@Suite("Digests in the store", .timeLimit(.minutes(5)))
struct BucketQueryTests {
    private func transactions() throws -> [Transaction] {
        try (0..<400).map {
            // Four time windows, far apart.
            try StoreFixture.transaction("tx-\($0)", timestamp: Int64($0 % 4) << 40)
        }
    }

    @Test func `The digest of a bucket is the sum of its transactions, at every length`() async throws {
        let fixture = try StoreFixture()
        let transactions = try transactions()
        // In several commits, so that stored digests are added to.
        for start in stride(from: 0, to: 400, by: 100) {
            try await fixture.store(Array(transactions[start..<start + 100]))
        }
        let probe = transactions[123].bucketKey
        for length in 0...BucketPrefix.maximumLength {
            let prefix = probe.prefix(length)
            var expected = BucketSum.empty
            for transaction in transactions where transaction.bucketKey.prefix(length) == prefix {
                expected.add(transaction.contentHash)
            }
            #expect(try await fixture.store.sums(of: [prefix]) == [expected], "length \(length)")
        }
    }

    @Test func `The children add up to their parent`() async throws {
        let fixture = try StoreFixture()
        let transactions = try transactions()
        try await fixture.store(transactions)
        for length in 0..<BucketPrefix.maximumLength {
            let prefix = transactions[7].bucketKey.prefix(length)
            var sum = BucketSum.empty
            for (child, childSum) in try await fixture.store.children(of: prefix) {
                #expect(child.length == length + 1)
                #expect(prefix.contains(child))
                sum.add(childSum)
            }
            #expect(try await fixture.store.sums(of: [prefix]) == [sum], "length \(length)")
        }
    }

    @Test func `The order of arrival does not show`() async throws {
        let (one, other) = (try StoreFixture(), try StoreFixture())
        try await one.store(try transactions())
        try await other.store(try transactions().reversed())
        #expect(try await one.store.sums(of: [.root]) == other.store.sums(of: [.root]))
    }

    @Test func `A listing goes through a bucket in pages`() async throws {
        let fixture = try StoreFixture()
        let transactions = try transactions()
        try await fixture.store(transactions)
        for prefix in [BucketPrefix.root, transactions[5].bucketKey.prefix(5)] {
            var listed: [ListedTransaction] = []
            var cursor: ListCursor?
            repeat {
                let page = try await fixture.store.list(prefix, after: cursor, limit: 33)
                listed += page.transactions
                cursor = try page.next.map { try ListCursor(data: $0.data) }
            } while cursor != nil
            let expected = transactions.filter { $0.bucketKey.prefix(prefix.length) == prefix }
            #expect(listed.count == expected.count)
            #expect(Set(listed.map(\.contentHash)) == Set(expected.map(\.contentHash)))
        }
    }

    @Test func `Buckets that cannot be are empty`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store([try StoreFixture.transaction("tx")])
        let prefix = try BucketPrefix(data: Data([0xff, 0xff]))
        #expect(try await fixture.store.sums(of: [prefix]) == [.empty])
        #expect(try await fixture.store.children(of: prefix).isEmpty)
        #expect(try await fixture.store.list(prefix, after: nil, limit: 10).transactions.isEmpty)
        #expect(throws: InvalidField.self) { try ListCursor(data: Data([1, 2, 3])) }
    }

    @Test func `Known hashes are found by id and hash`() async throws {
        let fixture = try StoreFixture()
        let transaction = try StoreFixture.transaction("tx")
        let other = try StoreFixture.transaction("tx", payload: "other")
        try await fixture.store([transaction])
        let known = try await fixture.store.knownHashes(of: [
            ListedTransaction(id: "tx", contentHash: transaction.contentHash),
            ListedTransaction(id: "tx", contentHash: other.contentHash),
            ListedTransaction(id: "none", contentHash: other.contentHash),
        ])
        #expect(known == [transaction.contentHash])
    }
}
