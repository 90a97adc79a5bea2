import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import Testing
import TransactionSignatures

@testable import DAGNode

@Suite("Proofs of holding between nodes", .timeLimit(.minutes(5)))
struct ProofTests {
    @Test func `A peer that has the payload proves it`() async throws {
        try await withNetwork { nursery in
            let b = try await nursery.start("b")
            let a = try await nursery.start("a", peers: ["b"])
            for node in [a, b] { try await node.put(try Make.transactions(0..<50)) }
            await a.waitForPeers(1)
            let result = try await a.node.audit(challengesPerPeer: 20)
            #expect(result.held == 20)
            #expect(result.wrong + result.silent + result.refused == 0)
            #expect(try await a.node.statistics()[.held] == 20)
            #expect(try await b.node.statistics()[.answered] == 20)
            #expect(try await a.store.chainHead(of: "b").sequence == 20)
        }
    }

    @Test func `A damaged payload is a wrong answer, a missing one a refusal, and both are recorded`() async throws {
        try await withNetwork { nursery in
            let b = try await nursery.start("b", wrap: { LyingStore(base: $0, damaged: ["tx-0"]) })
            let a = try await nursery.start("a", peers: ["b"])
            try await a.put(try Make.transactions(0..<1))
            await a.waitForPeers(1)
            #expect(try await a.node.audit(challengesPerPeer: 1).refused == 1)
            try await b.put(try Make.transactions(0..<1))
            #expect(try await a.node.audit(challengesPerPeer: 1).wrong == 1)
            #expect(try await a.store.counts().checks == [.refused: 1, .wrong: 1])
        }
    }

    @Test func `A nonce is not answered twice`() async throws {
        try await withNetwork { nursery in
            let a = try await nursery.start("a")
            try await a.put(try Make.transactions(0..<1))
            let client = try await a.connect(nursery.network)
            let request = PoHRequest(transaction: "tx-0", now: .now())
            let answer = try await client.call(PoH.challenge, request)
            try answer.verify(
                answers: request, payload: Data("payload 0".utf8), holder: "a", publicKey: a.key.publicKey.data,
                after: .start)
            let error = try await #require(throws: TransportError.self) {
                try await client.call(PoH.challenge, request)
            }
            #expect(error.code == .alreadyExists)
            let unknown = try await #require(throws: TransportError.self) {
                try await client.call(PoH.challenge, PoHRequest(transaction: "none", now: .now()))
            }
            #expect(unknown.code == .notFound)
            #expect(try await a.node.statistics()[.declined] == 2)
        }
    }
}
