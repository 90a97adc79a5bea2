import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("Wrapped transports keep the contract", .timeLimit(.minutes(5)))
struct ContractTests {
    @Test(arguments: TransportContract.cases)
    func retrying(_ contractCase: ContractCase) async throws {
        try await contractCase.run(Wrapped("retrying") { $0.retrying() })
    }

    @Test(arguments: TransportContract.cases)
    func breaking(_ contractCase: ContractCase) async throws {
        try await contractCase.run(Wrapped("breaking") { $0.breaking() })
    }

    @Test(arguments: TransportContract.cases)
    func hedging(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            Wrapped("hedging") { $0.hedging(HedgingPolicy(delay: .seconds(60))).withIdempotentCalls })
    }

    @Test(arguments: TransportContract.cases)
    func allOfThem(_ contractCase: ContractCase) async throws {
        // Some cases fail calls on purpose, and those are tried again here.
        let breaker = BreakerPolicy(consecutiveFailures: 1_000, minimumCalls: 1_000)
        let retry = RetryPolicy(backoff: .constant(.milliseconds(1)), retryable: [.codes([.unavailable])])
        try await contractCase.run(
            Wrapped("all") {
                $0.breaking(breaker).hedging(HedgingPolicy(delay: .seconds(60))).retrying(retry).withIdempotentCalls
            })
    }
}

/// The in-memory transport with something around it.
private struct Wrapped: TransportUnderTest {
    let name: String
    let wrap: @Sendable (any Transport) -> any Transport
    private let memory = InMemoryTransportUnderTest()

    init(_ name: String, _ wrap: @escaping @Sendable (any Transport) -> any Transport) {
        self.name = name
        self.wrap = wrap
    }

    var supportsDatagrams: Bool { memory.supportsDatagrams }
    var listenEndpoint: Endpoint { get throws { try memory.listenEndpoint } }

    func makeTransport() async throws -> any Transport { wrap(try await memory.makeTransport()) }

    func vanish(_ listener: any Listener) async throws -> Bool { try await memory.vanish(listener) }
}

extension Transport {
    /// Calls go the ways that are for idempotent ones only.
    fileprivate var withIdempotentCalls: any Transport { intercepted(client: [MarksIdempotent()]) }
}

private struct MarksIdempotent: ClientInterceptor {
    func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
        var head = head
        head.isIdempotent = true
        return try await next(head, request)
    }

    func stream(_ head: CallHead, next: StreamNext) async throws -> any ClientCall {
        var head = head
        head.isIdempotent = true
        return try await next(head)
    }
}
