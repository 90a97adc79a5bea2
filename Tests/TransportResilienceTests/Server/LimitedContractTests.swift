import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

/// Behind limits a transport keeps every promise.
@Suite(.timeLimit(.minutes(5))) struct LimitedContractTests {
    @Test(arguments: TransportContract.cases)
    func keepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(LimitedUnderTest())
    }
}

private struct LimitedUnderTest: TransportUnderTest {
    let memory = InMemoryTransportUnderTest()
    let name = "memory, limited"
    let supportsDatagrams = true

    var listenEndpoint: Endpoint { get throws { try memory.listenEndpoint } }

    func makeTransport() async throws -> any Transport { try await memory.makeTransport().limited() }

    func vanish(_ listener: any Listener) async throws -> Bool { try await memory.vanish(listener) }
}
