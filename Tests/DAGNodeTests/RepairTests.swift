import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@testable import DAGNode

@Suite("Repair", .timeLimit(.minutes(5)))
struct RepairTests {
    private func reports(_ node: TestNode) -> [RepairReport] {
        node.log.events.compactMap { if case .repaired(_, let report) = $0 { report } else { nil } }
    }

    @Test func `A node that was away gets all that it missed when it connects`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a")
            try await a.put(try Make.transactions(0..<2_000))
            let b = try await nursery.start("b", peers: ["a"])
            await b.log.wait { if case .repaired = $0 { true } else { false } }
            #expect(try await b.ids == a.ids)
            #expect(try await b.store.sums(of: [.root]) == a.store.sums(of: [.root]))
            let statistics = try await b.node.statistics()
            #expect(statistics[.repaired] == 2_000)
            #expect(statistics[.repairRounds] == 1)
            #expect(try await a.node.statistics()[.repairServed] == 2_000)
        }
    }

    @Test func `Comparing costs as much as there is difference, not as much as there is`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a")
            let transactions = try Make.transactions(0..<5_000)
            try await a.put(transactions)
            let b = try await nursery.start("b", peers: ["a"])
            await b.log.wait { if case .repaired = $0 { true } else { false } }
            try await a.put(try Make.transactions(5_000..<5_003))
            await b.node.repair()
            let report = try #require(reports(b).last)
            #expect(report.repaired == 3)
            #expect(report.idsListed <= 3 * 64)
            // Six levels, and at the last one the 256 children of one bucket.
            #expect(report.digestsCompared <= 300)
            await b.node.repair()
            let idle = try #require(reports(b).last)
            #expect(idle.digestsCompared == 1)
            #expect(idle.idsListed == 0)
        }
    }

    @Test func `Each side gets what only the other has`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a", peers: ["b"])
            try await a.put(try Make.transactions(0..<700))
            let b = try await nursery.start("b", peers: ["a"])
            await b.waitForPeers(1)
            await a.waitForPeers(1)
            try await b.put(try Make.transactions(500..<1_200))
            await a.node.repair()
            await b.node.repair()
            #expect(try await a.ids.count == 1_200)
            #expect(try await b.ids == a.ids)
        }
    }

    @Test func `A damaged transaction is refused, and got from another peer`() async throws {
        try await withNetwork { nursery in
            let damaged: Set<String> = ["tx-3", "tx-150"]
            let a = try await nursery.start("a", wrap: { LyingStore(base: $0, damaged: damaged) })
            try await a.put(try Make.transactions(0..<200))
            let b = try await nursery.start("b", peers: ["a"])
            await b.log.wait { if case .repaired = $0 { true } else { false } }
            #expect(try await b.ids == a.ids.subtracting(damaged))
            #expect(reports(b).first?.corrupt == 2)
            #expect(try await b.node.statistics()[.repairCorrupt] == 2)

            let intact = try await nursery.start("intact")
            try await intact.put(try Make.transactions(0..<200))
            let c = try await nursery.start("c", peers: ["a", "intact"])
            await c.waitForPeers(2)
            await c.node.repair()
            #expect(try await c.ids == intact.ids)
            #expect(try await c.store.payload(of: "tx-3") == Data("payload 3".utf8))
        }
    }

    @Test func `A comparison that failed is made again, without another reason`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start(
                "a", wrap: { LyingStore(base: $0, damaged: [], faults: Faults(3)) })
            try await a.put(try Make.transactions(0..<20))
            let b = try await nursery.start("b", peers: ["a"])
            await b.log.wait { if case .repaired = $0 { true } else { false } }
            #expect(try await b.ids == a.ids)
            #expect(b.log.events.contains { if case .repairFailed = $0 { true } else { false } })
            #expect(b.log.events.count { if case .peerConnected = $0 { true } else { false } } == 1)
        }
    }

    @Test func `An id that is taken here is a conflict, and is not fetched again`() async throws {
        try await withNetwork { nursery in
            // Each has its own before they meet.
            let b = try await nursery.start("b", peers: ["a"])
            try await b.put([try Make.transaction("tx", payload: "other")])
            let a = try await nursery.start("a")
            try await a.put([try Make.transaction("tx", payload: "one")])
            await b.waitForPeers(1)
            await b.node.repair()
            await b.node.repair()
            #expect(try await b.store.payload(of: "tx") == Data("other".utf8))
            #expect(try await a.node.statistics()[.repairServed] == 1)
            #expect(try await b.node.statistics()[.conflicts] == 1)
        }
    }

    @Test func `A missing parent is fetched`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a", peers: ["b"])
            let b = try await nursery.start("b", peers: ["a"])
            await a.waitForPeers(1)
            await b.log.wait { if case .repaired = $0 { true } else { false } }
            // As if the broadcasts of the parents had been lost.
            try await a.put([
                try Make.transaction("grandparent"), try Make.transaction("parent", parents: ["grandparent"]),
            ])
            try await a.node.submit(Make.message("child", parents: ["parent"]))
            await b.log.wait(for: 1) { if case .linked = $0 { true } else { false } }
            while try await b.store.record(of: "child")?.isLinked != true {
                try Task.checkCancellation()
                let count = b.log.events.count { if case .linked = $0 { true } else { false } }
                if try await b.store.record(of: "child")?.isLinked == true { break }
                await b.log.wait(for: count + 1) { if case .linked = $0 { true } else { false } }
            }
            #expect(try await b.ids == ["grandparent", "parent", "child"])
        }
    }

    @Test func `A peer that comes back is connected to and compared with at once`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a", peers: ["b"]) {
                // Long: only the peer's own word ends the pause.
                $0.reconnectBackoff = .constant(.seconds(3_600))
            }
            await a.log.wait { if case .peerLost = $0 { true } else { false } }
            try await a.node.submit(Make.message("tx"))
            let b = try await nursery.start("b", peers: ["a"])
            await a.waitForPeers(1)
            await b.log.wait { if case .repaired = $0 { true } else { false } }
            #expect(try await b.ids == ["tx"])
        }
    }

    @Test func `A lost connection is made again`() async throws {
        try await withNetwork { nursery in
            let b = try await nursery.start("b")
            let a = try await nursery.start("a", peers: ["b"])
            await a.waitForPeers(1)
            nursery.network.disconnect(b.endpoint)
            await a.waitForPeers(2)
            await a.log.wait { if case .peerLost = $0 { true } else { false } }
            let statistics = try await a.node.statistics()
            #expect(statistics.peers.first?.connections == 2)
            #expect(statistics.peers.first?.connected == true)
        }
    }
}
