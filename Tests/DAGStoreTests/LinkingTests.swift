import DAGProtocol
import Testing

@testable import DAGStore

@Suite("Linking the DAG", .timeLimit(.minutes(5)))
struct LinkingTests {
    private func linked(_ fixture: StoreFixture, _ ids: [String]) async throws -> [Bool] {
        var result: [Bool] = []
        for id in ids { result.append(try await fixture.store.record(of: id)?.isLinked ?? false) }
        return result
    }

    @Test func `A transaction without parents is linked`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store([try StoreFixture.transaction("root")])
        #expect(try await linked(fixture, ["root"]) == [false])
        #expect(try await fixture.store.linkPending(limit: 10) == LinkResult(examined: 1, linked: 1, hasMore: false))
        #expect(try await linked(fixture, ["root"]) == [true])
        #expect(try await fixture.store.linkPending(limit: 10).examined == 0)
    }

    @Test func `A child that came first waits for its parent`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store([try StoreFixture.transaction("child", parents: ["a", "b"])])
        try await fixture.store([try StoreFixture.transaction("a")])
        try await fixture.linkAll()
        #expect(try await linked(fixture, ["child", "a"]) == [false, true])
        #expect(try await fixture.store.missingParents(limit: 10) == ["b"])
        #expect(try await fixture.store.counts().pending == 1)
        try await fixture.store([try StoreFixture.transaction("b")])
        try await fixture.linkAll()
        #expect(try await linked(fixture, ["child", "a", "b"]) == [true, true, true])
        #expect(try await fixture.store.missingParents(limit: 10).isEmpty)
        #expect(try await fixture.store.counts().pending == 0)
    }

    @Test func `A long chain that came backwards is linked in steps, many at a time`() async throws {
        let fixture = try StoreFixture()
        for index in stride(from: 99, through: 0, by: -1) {
            let parents = index == 0 ? [] : ["tx-\(index - 1)"]
            try await fixture.store([try StoreFixture.transaction("tx-\(index)", parents: parents)])
        }
        var passes = 0
        while try await fixture.store.linkPending(limit: 10).hasMore { passes += 1 }
        #expect(try await fixture.store.counts().pending == 0)
        #expect(passes < 40)
    }

    @Test func `Acknowledgements add up`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store([try StoreFixture.transaction("tx")])
        try await fixture.store.addAcknowledgements(["tx": 1, "unknown": 1])
        try await fixture.store.addAcknowledgements(["tx": 2])
        #expect(try await fixture.store.record(of: "tx")?.acknowledgedBy == 3)
    }
}
