import Foundation
import Testing
import TransactionSignatures

@testable import DAGProtocol

@Suite("Transactions are checked before they exist")
struct TransactionValidationTests {
    private let now = KnownAnswers.now

    private func refusal(
        limits: TransactionLimits = TransactionLimits(), _ change: (inout Tx) -> Void
    ) -> InvalidField? {
        var message = KnownAnswers.transaction
        message.publicKey = Data()
        change(&message)
        do throws(InvalidField) {
            _ = try Transaction(validating: message, now: now, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test func `A plain transaction is accepted`() { #expect(refusal { _ in } == nil) }

    @Test(arguments: ["", String(repeating: "x", count: 129), "with blank", "tab\t", "ümlaut", "nul\0"])
    func `A tx_id that is empty, too long or not printable is refused`(id: String) {
        #expect(refusal { $0.txID = id }?.field == "tx_id")
    }

    @Test func `A tx_id of 128 bytes is accepted`() {
        #expect(refusal { $0.txID = String(repeating: "x", count: 128) } == nil)
    }

    @Test func `holder_id may be empty and is held to the same letters`() {
        #expect(refusal { $0.holderID = "" } == nil)
        #expect(refusal { $0.holderID = "a b" }?.field == "holder_id")
    }

    @Test func `A timestamp may be five minutes ahead and no more`() {
        #expect(refusal { $0.timestamp = now.microseconds + 300_000_000 } == nil)
        let error = refusal { $0.timestamp = now.microseconds + 301_000_000 }
        #expect(error?.field == "timestamp")
        #expect(error?.reason.contains("301 s") == true)
        #expect(refusal { $0.timestamp = .max }?.field == "timestamp")
        #expect(refusal { $0.timestamp = -1 }?.field == "timestamp")
        #expect(refusal { $0.timestamp = 0 } == nil)
    }

    @Test func `The payload's limit is the configured one`() {
        let limits = TransactionLimits(maximumPayloadBytes: 10)
        #expect(refusal(limits: limits) { $0.payload = Data(count: 10) } == nil)
        let error = refusal(limits: limits) { $0.payload = Data(count: 11) }
        #expect(error?.description == "payload: 11 bytes, at most 10 are accepted")
    }

    @Test func `Parents are few, different, and not the transaction itself`() {
        #expect(refusal { $0.parentIds = (0..<65).map { "p-\($0)" } }?.field == "parent_ids")
        #expect(refusal { $0.parentIds = ["a", "a"] }?.field == "parent_ids")
        #expect(refusal { $0.parentIds = [$0.txID] }?.field == "parent_ids")
        #expect(refusal { $0.parentIds = ["a b"] }?.field == "parent_ids")
        #expect(refusal { $0.parentIds = (0..<64).map { "p-\($0)" } } == nil)
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `A signature is checked`(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        #expect(try sign { try $0.sign(with: key) } == nil)
        #expect(
            try sign {
                try $0.sign(with: key)
                $0.payload.append(0)
            }?.field == "signature")
        #expect(
            try sign {
                try $0.sign(with: key)
                $0.publicKey = try SigningKey.generate(algorithm).publicKey.data
            }?.field == "signature")
        #expect(
            try sign {
                try $0.sign(with: key)
                $0.signature.removeLast()
            }?.reason.contains("\(algorithm)") == true)
        #expect(refusal { $0.publicKey = key.publicKey.data }?.field == "signature")
        #expect(refusal { $0.signature = Data(count: 64) }?.field == "public_key")
    }

    @Test func `A key of no algorithm is refused with the lengths that there are`() {
        for count in [31, 33, 64, 1_312, 5_000] {
            let error = refusal { ($0.publicKey, $0.signature) = (Data(count: count), Data(count: 64)) }
            #expect(error?.field == "public_key")
            #expect(error?.reason.contains("\(count) bytes") == true)
            #expect(error?.reason.contains("1952 (ML-DSA-65)") == true)
        }
    }

    @Test func `A signature of one algorithm is none of another`() throws {
        var message = KnownAnswers.transaction
        try message.sign(with: SigningKey())
        message.publicKey = try SigningKey.generate(.mlDSA65).publicKey.data
        let error = refusal { [message] in $0 = message }
        #expect(error?.description == "signature: 64 bytes, one of ML-DSA-65 has 3309")
    }

    private func sign(_ change: (inout Tx) throws -> Void) throws -> InvalidField? {
        var message = KnownAnswers.transaction
        try change(&message)
        return refusal { $0 = message }
    }
}
