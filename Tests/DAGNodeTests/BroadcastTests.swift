import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import Testing
import TransactionSignatures
import TransportTestKit

@testable import DAGNode

@Suite("Passing transactions on", .timeLimit(.minutes(5)))
struct BroadcastTests {
    private static func isResult(_ event: NodeEvent, _ result: BroadcastResult) -> Bool {
        if case .broadcast(_, _, result) = event { true } else { false }
    }

    @Test func `Every peer gets a transaction, and the submitter's node knows`() async throws {
        try await withNetwork { nursery in
            let b = try await nursery.start("b")
            let c = try await nursery.start("c")
            let a = try await nursery.start("a", peers: ["b", "c"])
            await a.waitForPeers(2)
            for index in 0..<50 { try await a.node.submit(Make.message("tx-\(index)")) }
            await a.log.wait(for: 100) { Self.isResult($0, .acknowledged) }
            #expect(try await b.ids.count == 50)
            #expect(try await c.ids == b.ids)
            #expect(try await b.node.statistics()[.broadcastReceived] == 50)
            #expect(try await a.node.statistics()[.broadcastAcknowledged] == 100)
            // Recorded in one or several steps.
            while try await a.store.record(of: "tx-49")?.acknowledgedBy != 2 {
                try Task.checkCancellation()
                let recorded = a.log.events.count { if case .acknowledgementsRecorded = $0 { true } else { false } }
                if try await a.store.record(of: "tx-49")?.acknowledgedBy == 2 { break }
                await a.log.wait(for: recorded + 1) { if case .acknowledgementsRecorded = $0 { true } else { false } }
            }
        }
    }

    @Test func `A dead peer is reported and holds nobody up`() async throws {
        try await withNetwork { nursery in
            let b = try await nursery.start("b")
            let a = try await nursery.start("a", peers: ["nobody", "b"])
            await a.waitForPeers(1)
            for index in 0..<20 { try await a.node.submit(Make.message("tx-\(index)")) }
            await a.log.wait(for: 20) { Self.isResult($0, .acknowledged) }
            await a.log.wait(for: 20) { Self.isResult($0, .unreachable) }
            #expect(try await b.ids.count == 20)
        }
    }

    @Test func `A peer that does not answer times out, and the others are served`() async throws {
        try await withNetwork { nursery in
            let silent = InMemoryTransport(network: nursery.network)
            _ = try await silent.listen(on: "memory://silent", services: [SilentPeer()])
            let b = try await nursery.start("b")
            let a = try await nursery.start("a", peers: ["silent", "b"]) { $0.maximumBroadcastsUnderWay = 4 }
            await a.waitForPeers(2)
            for index in 0..<8 { try await a.node.submit(Make.message("tx-\(index)")) }
            await a.log.wait(for: 8) { Self.isResult($0, .acknowledged) }
            #expect(try await b.ids.count == 8)
            a.clock.advance(by: .seconds(3_600))
            await a.log.wait(for: 8) { Self.isResult($0, .timedOut) }
            #expect(try await a.node.statistics()[.broadcastTimedOut] == 8)
            await silent.shutdown(within: .zero)
        }
    }

    @Test func `What does not fit into a peer's queue is dropped and counted`() async throws {
        try await withNetwork { nursery in
            let silent = InMemoryTransport(network: nursery.network)
            _ = try await silent.listen(on: "memory://silent", services: [SilentPeer()])
            let a = try await nursery.start("a", peers: ["silent"]) {
                $0.maximumBroadcastsUnderWay = 1
                $0.maximumQueuedBroadcasts = 2
            }
            await a.waitForPeers(1)
            for index in 0..<10 { try await a.node.submit(Make.message("tx-\(index)")) }
            await a.log.wait(for: 5) { Self.isResult($0, .dropped) }
            #expect(try await a.ids.count == 10)
            await silent.shutdown(within: .zero)
        }
    }

    @Test func `A peer's refusal is reported with its code`() async throws {
        try await withNetwork { nursery in
            // By repair `a` gets it damaged, and refuses it: it has none before it is given its own.
            let b = try await nursery.start("b", wrap: { LyingStore(base: $0, damaged: ["tx"]) })
            try await b.node.submit(Make.message("tx", payload: "another"))
            let a = try await nursery.start("a", peers: ["b"])
            await a.waitForPeers(1)
            try await a.node.submit(Make.message("tx"))
            await a.log.wait { Self.isResult($0, .refused(.alreadyExists)) }
            #expect(try await b.node.statistics()[.conflicts] == 1)
        }
    }
}

/// Says who it is, and then nothing.
private struct SilentPeer: Service {
    var handlers: [MethodHandler] {
        [
            Node.identify.handle { _, _ in
                var identity = NodeIdentity()
                identity.nodeID = "silent"
                identity.publicKey = SigningKey().publicKey.data
                return identity
            },
            PoH.broadcast.handle { _, _ in try await silence() },
            PoH.challenge.handle { _, _ in try await silence() },
        ]
    }

    /// Until the caller gives up.
    private func silence<Never>() async throws -> Never {
        let (stream, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
        throw TransportError(.cancelled, "the caller has given up")
    }
}
