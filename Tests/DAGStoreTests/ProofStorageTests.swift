import DAGProtocol
import Foundation
import Testing
import TransactionSignatures

@testable import DAGStore

@Suite("The history of proofs", .timeLimit(.minutes(5)))
struct ProofStorageTests {
    private let key = SigningKey()

    private func answer(_ request: PoHRequest, _ store: SQLiteStore) async throws -> AnswerOutcome {
        try await store.appendAnswer(to: request) { [key] head in
            try PoHAck(
                to: request, proof: Data(count: 32), behind: head, holder: "a", key: key, now: StoreFixture.now)
        }
    }

    @Test func `Answers given at once form one chain`() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    _ = try await answer(PoHRequest(transaction: "tx", now: StoreFixture.now), store)
                }
            }
        }
        let exchanges = try await fixture.store.answers(from: 1, limit: 100)
        #expect(exchanges.count == 50)
        var head = PoHChainHead.start
        for exchange in exchanges {
            #expect(exchange.answer.sequence == head.sequence + 1)
            #expect(exchange.answer.previous == head.hash.data)
            head = PoHChainHead(
                sequence: exchange.answer.sequence, hash: exchange.answer.hash(answering: exchange.request))
        }
        #expect(try await fixture.store.counts().answers == 50)
    }

    @Test func `A nonce is answered once`() async throws {
        let fixture = try StoreFixture()
        let request = PoHRequest(transaction: "tx", now: StoreFixture.now)
        guard case .answered = try await answer(request, fixture.store) else {
            Issue.record("the first was not answered")
            return
        }
        guard case .nonceUsed = try await answer(request, fixture.store) else {
            Issue.record("the second was answered")
            return
        }
        #expect(try await fixture.store.counts().answers == 1)
    }

    @Test func `Checks are counted, and the peer's last good answer is remembered`() async throws {
        let fixture = try StoreFixture()
        #expect(try await fixture.store.chainHead(of: "b") == .start)
        let head = PoHChainHead(sequence: 7, hash: Hash256(hashing: Data("x".utf8)))
        for (result, head) in [(PoHCheck.Result.held, Optional(head)), (.wrong, nil), (.silent, nil), (.silent, nil)] {
            let request = PoHRequest(transaction: "tx", now: StoreFixture.now)
            try await fixture.store.record(
                PoHCheck(peer: "b", request: request, result: result, message: "", head: head))
        }
        #expect(try await fixture.store.chainHead(of: "b") == head)
        #expect(try await fixture.store.chainHead(of: "c") == .start)
        #expect(try await fixture.store.counts().checks == [.held: 1, .wrong: 1, .silent: 2])
    }
}
