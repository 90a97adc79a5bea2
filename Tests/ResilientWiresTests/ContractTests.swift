import GRPCTransport
import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

/// A channel over gRPC keeps every promise of the abstraction, on real sockets.
@Suite(.timeLimit(.minutes(5))) struct ContractTests {
    @Test(arguments: TransportContract.cases)
    func reconnectingKeepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(ResilientWire(name: "grpc-reconnecting") { $0.reconnecting(.betweenNodes) })
    }

    @Test(arguments: TransportContract.cases)
    func balancingKeepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(ResilientWire(name: "grpc-least-request") { $0.balanced(.leastRequest) })
    }

    @Test(arguments: TransportContract.cases)
    func retryingOverAChannelKeepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            ResilientWire(name: "grpc-retrying") { $0.reconnecting(.betweenNodes).retrying() })
    }
}

struct ResilientWire: TransportUnderTest {
    let name: String
    let connectionsOutlivePeers = true
    let wrap: @Sendable (GRPCTransport) -> any Transport

    var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: "grpc://127.0.0.1:0") } }

    func makeTransport() async throws -> any Transport { wrap(try GRPCTransport(security: .plaintext)) }
}
