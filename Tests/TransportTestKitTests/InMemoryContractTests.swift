import NodeTransport
import Testing
import TransportTestKit

@Suite("The in-memory transport keeps the contract", .timeLimit(.minutes(5)))
struct InMemoryContractTests {
    @Test(arguments: TransportContract.cases)
    func keepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(InMemoryTransportUnderTest())
    }
}
