import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import Testing
import TransactionSignatures

@testable import DAGNode

@Suite("Handing out transactions", .timeLimit(.minutes(5)))
struct RepairServiceTests {
    private let key = SigningKey()

    private func request(_ ids: [String], for recipient: String = "a") throws -> FetchTransactionsRequest {
        var request = FetchTransactionsRequest()
        request.txIds = ids
        try request.authorize(as: "asker", key: key, for: recipient, now: .now())
        return request
    }

    private func fetch(_ request: FetchTransactionsRequest, _ client: any Connection) async throws -> [Tx] {
        var messages: [Tx] = []
        for try await response in try await client.call(Repair.fetchTransactions, request) {
            messages += response.transactions
        }
        return messages
    }

    /// The code of what `body` throws.
    private func code(_ body: () async throws -> [Tx]) async -> StatusCode? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? TransportError)?.code
        }
    }

    @Test func `What is there comes in order, what is not is left out`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a")
            try await a.put(try Make.transactions(0..<10))
            let client = try await a.connect(nursery.network)
            let messages = try await fetch(try request(["tx-7", "none", "tx-2"]), client)
            #expect(messages.map(\.txID) == ["tx-7", "tx-2"])
        }
    }

    @Test func `A byte limit ends the answer early`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a", configure: { $0.maximumRepairResponseBytes = 2_000 })
            try await a.put(try Make.transactions(0..<100))
            let client = try await a.connect(nursery.network)
            let messages = try await fetch(try request((0..<100).map { "tx-\($0)" }), client)
            #expect((1...10).contains(messages.count))
        }
    }

    @Test func `A request is refused unsigned, for another node, changed, or a second time`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a")
            try await a.put(try Make.transactions(0..<1))
            let client = try await a.connect(nursery.network)
            #expect(await code { try await fetch(FetchTransactionsRequest(), client) } == .invalidArgument)
            #expect(await code { try await fetch(try request(["tx-0"], for: "b"), client) } == .invalidArgument)
            var changed = try request(["tx-0"])
            changed.txIds = ["tx-1"]
            #expect(await code { try await fetch(changed, client) } == .invalidArgument)
            let once = try request(["tx-0"])
            #expect(try await fetch(once, client).count == 1)
            #expect(await code { try await fetch(once, client) } == .invalidArgument)
            #expect(try await a.node.statistics()[.repairRequestsRefused] == 4)
        }
    }

    @Test func `Nobody speaks for a peer with another key`() async throws {
        try await withNetwork { nursery in
            _ = try await nursery.start("b")
            let a = try await nursery.start("a", peers: ["b"])
            await a.waitForPeers(1)
            let client = try await a.connect(nursery.network)
            var request = FetchTransactionsRequest()
            try request.authorize(as: "b", key: key, for: "a", now: .now())
            #expect(await code { try await fetch(request, client) } == .invalidArgument)
        }
    }

    @Test func `Who has used up its bytes has to wait`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a") {
                $0.repairBudgetBytes = 100
                $0.repairBudgetBytesPerSecond = 1
            }
            try await a.put(try Make.transactions(0..<20))
            let client = try await a.connect(nursery.network)
            _ = try await fetch(try request((0..<20).map { "tx-\($0)" }), client)
            #expect(await code { try await fetch(try request(["tx-0"]), client) } == .resourceExhausted)
        }
    }

    @Test func `Too much at once is refused`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a")
            let client = try await a.connect(nursery.network)
            #expect(
                await code { try await fetch(try request((0..<513).map { "tx-\($0)" }), client) } == .invalidArgument)
            var compare = CompareBucketsRequest()
            compare.prefixes = Array(repeating: Data(), count: 65)
            try compare.authorize(as: "asker", key: key, for: "a", now: .now())
            let error = try await #require(throws: TransportError.self) {
                try await client.call(Repair.compareBuckets, compare)
            }
            #expect(error.message == "prefixes: 65, at most 64 are accepted")
        }
    }

    @Test func `A budget fills with time`() {
        var budgets = RequesterBudgets(capacity: 100, bytesPerSecond: 10)
        #expect(budgets.delay(of: "x", now: .seconds(1)) == .zero)
        budgets.spend(120, by: "x", now: .seconds(1))
        #expect(budgets.delay(of: "x", now: .seconds(1)) > .seconds(2))
        #expect(budgets.delay(of: "y", now: .seconds(1)) == .zero)
        #expect(budgets.delay(of: "x", now: .seconds(4)) == .zero)
    }

    @Test func `A nonce is remembered for ten minutes and not for ever`() {
        var replays = ReplayGuard()
        let nonce = Data([1])
        #expect(replays.insert(nonce, now: Timestamp(microseconds: 0)) == .new)
        #expect(replays.insert(nonce, now: Timestamp(microseconds: 599_000_000)) == .replayed)
        #expect(replays.insert(nonce, now: Timestamp(microseconds: 601_000_000)) == .replayed)
        #expect(replays.insert(nonce, now: Timestamp(microseconds: 1_300_000_000)) == .new)
    }
}
