import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("Channels over the in-memory transport keep the contract", .timeLimit(.minutes(5)))
struct ChannelContractTests {
    @Test("Pick first", arguments: TransportContract.cases)
    func pickFirst(_ contractCase: ContractCase) async throws {
        try await contractCase.run(ChannelUnderTest(name: "pick first", supportsDatagrams: true) { $0.balanced() })
    }

    @Test("Round robin", arguments: TransportContract.cases)
    func roundRobin(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            ChannelUnderTest(name: "round robin", supportsDatagrams: false) { $0.balanced(.roundRobin) })
    }

    @Test("Reconnecting", arguments: TransportContract.cases)
    func reconnecting(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            ChannelUnderTest(name: "reconnecting", supportsDatagrams: true) { $0.reconnecting(.betweenNodes) })
    }
}

/// The in-memory transport with channels around it.
private struct ChannelUnderTest: TransportUnderTest {
    let name: String
    let supportsDatagrams: Bool
    let connectionsOutlivePeers = true
    private let base = InMemoryTransportUnderTest()
    private let wrap: @Sendable (any Transport) -> any Transport

    init(name: String, supportsDatagrams: Bool, _ wrap: @escaping @Sendable (any Transport) -> any Transport) {
        self.name = name
        self.supportsDatagrams = supportsDatagrams
        self.wrap = wrap
    }

    var listenEndpoint: Endpoint { get throws { try base.listenEndpoint } }
    func makeTransport() async throws -> any Transport { wrap(try await base.makeTransport()) }
    func vanish(_ listener: any Listener) async throws -> Bool { try await base.vanish(listener) }
}
