import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("A race of two wires keeps the contract", .timeLimit(.minutes(5)))
struct RacingContractTests {
    /// A wire over which nobody can be reached.
    private struct DeadWire: Transport {
        func connect(to endpoint: Endpoint) async throws -> any Connection {
            throw TransportError(
                endpoint.scheme == .quic ? .unavailable : .invalidArgument, "dead", processing: .notProcessed)
        }
        func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
            throw TransportError(.invalidArgument, "dead")
        }
        func shutdown(within grace: Duration) async {}
    }

    /// Two in-memory transports on one network, or one behind a wire that fails.
    private struct Raced: TransportUnderTest {
        let name = "race"
        let memory = InMemoryTransportUnderTest()
        let isFirstDead: Bool

        var supportsDatagrams: Bool { memory.supportsDatagrams }
        var listenEndpoint: Endpoint { get throws { try memory.listenEndpoint } }

        func makeTransport() async throws -> any Transport {
            let second = try await memory.makeTransport()
            guard isFirstDead else { return try await memory.makeTransport().racing(against: second) }
            // Listeners are the second's.
            return DeadWire().racing(
                against: second,
                endpoints: { RacedEndpoints(first: $0.scheme == .memory ? $0.withScheme(.quic) : $0, second: $0) })
        }

        func vanish(_ listener: any Listener) async throws -> Bool { try await memory.vanish(listener) }
    }

    @Test(arguments: TransportContract.cases, [false, true])
    func keepsThePromise(_ contractCase: ContractCase, isFirstDead: Bool) async throws {
        try await contractCase.run(Raced(isFirstDead: isFirstDead))
    }
}
