import Foundation
import Testing

@testable import DAGProtocol

@Suite("Content hash")
struct ContentHashTests {
    @Test func `Is what another implementation computes`() {
        #expect(KnownAnswers.transaction.contentHash.description == KnownAnswers.transactionHash)
        var empty = Tx()
        empty.txID = "x"
        #expect(empty.contentHash.description == KnownAnswers.emptyTransactionHash)
    }

    @Test func `Does not depend on the signature`() {
        var signed = KnownAnswers.transaction
        signed.signature = Data([1, 2, 3])
        #expect(signed.contentHash == KnownAnswers.transaction.contentHash)
    }

    @Test func `Depends on every other field`() {
        let changes: [(inout Tx) -> Void] = [
            { $0.txID = "tx-2" }, { $0.holderID = "holder-b" }, { $0.timestamp += 1 }, { $0.payload.append(0) },
            { $0.parentIds.reverse() }, { $0.publicKey[0] = 9 },
            // The same bytes, divided otherwise.
            { ($0.txID, $0.holderID) = ("tx-1h", "older-a") }, { $0.parentIds = ["p-1p", "-2"] },
        ]
        var hashes: Set<Hash256> = [KnownAnswers.transaction.contentHash]
        for change in changes {
            var changed = KnownAnswers.transaction
            change(&changed)
            #expect(hashes.insert(changed.contentHash).inserted)
        }
    }

    @Test func `A request has the hash of the transaction that it submits`() {
        let transaction = KnownAnswers.transaction
        #expect(Tx(TxRequest(transaction)) == transaction)
    }

    @Test func `A hash is 32 bytes and nothing else`() {
        let hash = Hash256(hashing: Data("abc".utf8))
        #expect(hash.description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Hash256(bytes: hash.data) == hash)
        #expect(Hash256(bytes: hash.data.dropLast()) == nil)
        #expect(Hash256(bytes: hash.data + [0]) == nil)
    }
}
