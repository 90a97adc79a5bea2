import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("Wrapped transports keep the contract")
struct ContractTests {
    @Test(arguments: TransportContract.cases)
    func retrying(_ contractCase: ContractCase) async throws {
        try await contractCase.run(Wrapped("retrying") { $0.retrying() })
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
