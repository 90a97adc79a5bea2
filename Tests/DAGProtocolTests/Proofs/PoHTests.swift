import Foundation
import Testing
import TransactionSignatures

@testable import DAGProtocol

@Suite("Proofs of holding")
struct PoHTests {
    private let key = SigningKey()
    private let now = KnownAnswers.now
    private let payload = Data("hello".utf8)

    private func request(_ id: String = "tx-1") -> PoHRequest { PoHRequest(transaction: id, now: now) }

    private func answer(_ request: PoHRequest, behind head: PoHChainHead = .start) throws -> PoHAck {
        try PoHAck(
            to: request, proof: request.proof(of: payload), behind: head, holder: "node-a", key: key, now: now)
    }

    private func verify(_ answer: PoHAck, _ request: PoHRequest, after head: PoHChainHead = .start) -> InvalidField? {
        do throws(InvalidField) {
            try answer.verify(
                answers: request, payload: payload, holder: "node-a", publicKey: key.publicKey.data, after: head)
            return nil
        } catch {
            return error
        }
    }

    @Test func `Proof and hash are what another implementation computes`() throws {
        var request = PoHRequest()
        request.txID = "tx-1"
        request.nonce = Data(repeating: 7, count: 32)
        request.askedAt = 1_700_000_000_000_001
        var answer = PoHAck()
        answer.proof = request.proof(of: payload)
        answer.previous = Hash256.zero.data
        answer.sequence = 1
        answer.holderID = "node-a"
        answer.answeredAt = 1_700_000_000_000_002
        answer.publicKey = Data(repeating: 9, count: 32)
        #expect(answer.proof.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == KnownAnswers.proof)
        #expect(answer.hash(answering: request).description == KnownAnswers.answerHash)
    }

    @Test func `A true answer is accepted, and chained answers too`() throws {
        let first = request()
        let firstAnswer = try answer(first)
        #expect(verify(firstAnswer, first) == nil)
        let head = PoHChainHead(sequence: 1, hash: firstAnswer.hash(answering: first))
        let second = request()
        #expect(verify(try answer(second, behind: head), second, after: head) == nil)
    }

    @Test func `A proof over another payload, or to another nonce, is wrong`() throws {
        let question = request()
        let other = try PoHAck(
            to: question, proof: question.proof(of: Data("hellO".utf8)), behind: .start, holder: "node-a", key: key,
            now: now)
        #expect(verify(other, question)?.field == "proof")
        #expect(verify(try answer(request()), question)?.field == "proof")
    }

    @Test func `An answer of somebody else, or changed on the way, is wrong`() throws {
        let question = request()
        var changed = try answer(question)
        changed.answeredAt += 1
        #expect(verify(changed, question)?.field == "signature")
        changed = try answer(question)
        changed.holderID = "node-b"
        #expect(verify(changed, question)?.field == "holder_id")
        changed = try answer(question)
        changed.publicKey = SigningKey().publicKey.data
        #expect(verify(changed, question)?.field == "public_key")
    }

    @Test func `A chain that was cut or forked is noticed`() throws {
        let first = request()
        let head = PoHChainHead(sequence: 1, hash: try answer(first).hash(answering: first))
        let second = request()
        #expect(verify(try answer(second), second, after: head)?.field == "sequence")
        let forked = PoHChainHead(sequence: 1, hash: .zero)
        #expect(verify(try answer(second, behind: forked), second, after: head)?.field == "previous")
        let endless = PoHChainHead(sequence: .max - 1, hash: .zero)
        #expect(verify(try answer(second, behind: endless), second, after: head)?.field == "sequence")
    }

    @Test func `Nonces differ, and what is no question is refused`() throws {
        #expect(Set((0..<100).map { _ in request().nonce }).count == 100)
        #expect(try request().validatedTransactionID(now: now) == "tx-1")
        var question = request()
        question.nonce = Data(count: 31)
        #expect(field(question) == "nonce")
        question = request()
        question.askedAt = .min
        #expect(field(question) == "asked_at")
        question = request()
        question.subject = nil
        #expect(field(question) == "tx_id")
        #expect(field(request("")) == "tx_id")
    }

    private func field(_ request: PoHRequest) -> String? {
        do throws(InvalidField) {
            _ = try request.validatedTransactionID(now: now)
            return nil
        } catch {
            return error.field
        }
    }
}
