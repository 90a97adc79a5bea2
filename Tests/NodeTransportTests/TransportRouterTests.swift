import NodeTransport
import Testing
import TransportTestKit

@Suite("Several transports as one", .timeLimit(.minutes(5)))
struct TransportRouterTests {
    private let network = InMemoryNetwork()

    @Test func theSchemeChooses() async throws {
        let memory = InMemoryTransport(network: network)
        let router = TransportRouter([.memory: memory])
        let listener = try await router.listen(on: "memory://a", services: [])
        let connection = try await router.connect(to: listener.endpoint)
        #expect(!connection.state.isClosed)
        await router.shutdown(within: .zero)
        // The shutdown reached the transport behind.
        await #expect(throws: TransportError.self) { try await memory.connect(to: "memory://a") }
    }

    @Test func aSchemeThatNobodyServesIsNamed() async throws {
        let router = TransportRouter([.memory: InMemoryTransport(network: network), .grpc: InMemoryTransport()])
        let error = await #expect(throws: TransportError.self) { try await router.connect(to: "quic://127.0.0.1:1") }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == "there is no transport for quic://, only for grpc, memory")
        #expect(error?.processing == .notProcessed)
        let refused = await #expect(throws: TransportError.self) {
            try await router.listen(on: "unix:///tmp/x", services: [])
        }
        #expect(refused?.code == .invalidArgument)
    }
}
