import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import Testing

@testable import DAGNode

@Suite("Submitting to a node", .timeLimit(.minutes(5)))
struct SubmitTests {
    @Test func `A submission is durable when it is answered, and linked a moment later`() async throws {
        try await withNetwork { nursery in
            let node = try await nursery.start("a")
            let client = try await node.connect(nursery.network)
            let message = Make.message("tx")
            let response = try await client.call(DAG.submitTransaction, TxRequest(message))
            #expect(response.contentHash == message.contentHash.data)
            #expect(!response.alreadyKnown)
            #expect(try await node.store.record(of: "tx") != nil)
            await node.log.wait { if case .linked = $0 { true } else { false } }
            var question = StatusRequest()
            question.txID = "tx"
            #expect(try await client.call(DAG.queryTransactionStatus, question).status == .linked)
        }
    }

    @Test func `Again is answered as success, another content is refused, and both are counted`() async throws {
        try await withNetwork { nursery in
            let node = try await nursery.start("a")
            let client = try await node.connect(nursery.network)
            _ = try await client.call(DAG.submitTransaction, TxRequest(Make.message("tx")))
            #expect(try await client.call(DAG.submitTransaction, TxRequest(Make.message("tx"))).alreadyKnown)
            let error = try await #require(throws: TransportError.self) {
                try await client.call(DAG.submitTransaction, TxRequest(Make.message("tx", payload: "other")))
            }
            #expect(error.code == .alreadyExists)
            #expect(error.message.hasPrefix("tx_id: "))
            let statistics = try await client.call(Node.statistics, StatisticsRequest())
            #expect(statistics[.submitted] == 3)
            #expect(statistics[.acknowledged] == 2)
            #expect(statistics[.duplicates] == 1)
            #expect(statistics[.conflicts] == 1)
            #expect(statistics[.refused] == 1)
            #expect(statistics[.storedTransactions] == 1)
        }
    }

    @Test func `A bad field is named, and nothing is stored`() async throws {
        try await withNetwork { nursery in
            let node = try await nursery.start("a")
            let client = try await node.connect(nursery.network)
            let error = try await #require(throws: TransportError.self) {
                try await client.call(DAG.submitTransaction, TxRequest(Make.message("")))
            }
            #expect(error.code == .invalidArgument)
            #expect(error.message == "tx_id: is missing")
            let unknown = try await #require(throws: TransportError.self) {
                try await client.call(DAG.queryTransactionStatus, StatusRequest())
            }
            #expect(unknown.code == .invalidArgument)
            #expect(try await node.ids.isEmpty)
        }
    }

    @Test func `A stream acknowledges what is durable and names what is refused`() async throws {
        try await withNetwork { nursery in
            let node = try await nursery.start("a", configure: { $0.maximumStreamedUnderWay = 32 })
            let client = try await node.connect(nursery.network)
            let call = try await client.call(DAG.submitTransactionStream)
            async let sending: Void = {
                for sequence in 1_000..<1_300 {
                    var request = SubmitStreamRequest()
                    request.sequence = UInt64(sequence)
                    request.transaction = TxRequest(Make.message(sequence == 1_100 ? "" : "tx-\(sequence)"))
                    try await call.requests.send(request)
                }
                try await call.requests.finish()
            }()
            var acknowledged: UInt64 = 0
            var refused: [UInt64: String] = [:]
            for try await response in call.responses {
                #expect(response.acknowledgedBelow >= acknowledged)
                acknowledged = response.acknowledgedBelow
                for refusal in response.refusals { refused[refusal.sequence] = refusal.message }
            }
            try await sending
            #expect(acknowledged == 1_300)
            #expect(refused == [1_100: "tx_id: is missing"])
            #expect(try await node.ids.count == 299)
        }
    }

    @Test func `A gap in a stream's numbers ends it`() async throws {
        try await withNetwork { nursery in
            let node = try await nursery.start("a")
            let client = try await node.connect(nursery.network)
            let call = try await client.call(DAG.submitTransactionStream)
            for sequence in [5, 7] {
                var request = SubmitStreamRequest()
                request.sequence = UInt64(sequence)
                request.transaction = TxRequest(Make.message("tx-\(sequence)"))
                try await call.requests.send(request)
            }
            let error = try await #require(throws: TransportError.self) {
                for try await _ in call.responses {}
            }
            #expect(error.code == .invalidArgument)
            #expect(error.message.hasPrefix("sequence: 7"))
        }
    }
}
