import Foundation
import Testing
import TransactionSignatures

@testable import DAGProtocol

@Suite("Signed repair requests")
struct AuthorizationTests {
    private let now = KnownAnswers.now

    private func signed() throws -> FetchTransactionsRequest {
        var request = FetchTransactionsRequest()
        request.txIds = ["a", "b"]
        request.maximumBytes = 1_000
        try request.authorize(as: "node-a", key: SigningKey(), for: "node-b", now: now)
        return request
    }

    private func field(_ request: some AuthorizedRequest, at time: Timestamp? = nil) -> String? {
        do throws(InvalidField) {
            try request.verifyAuthorization(recipient: "node-b", now: time ?? now)
            return nil
        } catch {
            return error.field
        }
    }

    @Test func `The signed hash is what another implementation computes`() {
        var request = FetchTransactionsRequest()
        request.txIds = ["a", "b"]
        request.maximumBytes = 1_000
        var authorization = Authorization()
        authorization.requesterID = "node-a"
        authorization.publicKey = Data(repeating: 9, count: 32)
        authorization.recipientID = "node-b"
        authorization.nonce = Data(repeating: 5, count: 16)
        authorization.askedAt = 1_700_000_000_000_003
        let hash = authorization.hash(request.methodPath, request.bodyHash)
        #expect(hash.description == KnownAnswers.authorizationHash)
    }

    @Test func `A request as it was signed is accepted`() throws { #expect(field(try signed()) == nil) }

    @Test func `A request that was changed is refused`() throws {
        var request = try signed()
        request.txIds.append("c")
        #expect(field(request) == "authorization.signature")
        request = try signed()
        request.maximumBytes = 0
        #expect(field(request) == "authorization.signature")
        request = try signed()
        request.authorization.requesterID = "node-c"
        #expect(field(request) == "authorization.signature")
    }

    @Test func `A request for another node is refused`() throws {
        var request = try signed()
        request.authorization.recipientID = "node-c"
        #expect(field(request) == "authorization.recipient_id")
    }

    @Test func `An authorization for one method does not serve for another`() throws {
        var list = ListIdsRequest()
        list.authorization = try signed().authorization
        #expect(field(list) == "authorization.signature")
    }

    @Test func `An old request is refused`() throws {
        let late = Timestamp(microseconds: now.microseconds + 301_000_000)
        #expect(field(try signed(), at: late) == "authorization.asked_at")
    }

    @Test func `A request without authorization is refused`() {
        #expect(field(CompareBucketsRequest()) != nil)
    }
}
