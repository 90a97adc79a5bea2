import ForeignPeers
import NodeTransport
import Testing
import TransportTestKit
import TransportTLS

@testable import GRPCTransport

/// gRPC over HTTP/2 keeps every promise of the abstraction, on real sockets.
@Suite(.timeLimit(.minutes(5))) struct ContractTests {
    @Test(arguments: TransportContract.cases)
    func plaintextKeepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(GRPCUnderTest(name: "grpc", security: { .plaintext }))
    }

    @Test(arguments: TransportContract.cases)
    func mutualTLSKeepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            GRPCUnderTest(name: "grpc-mtls", authenticatesPeers: true) {
                .mutualTLS(identity: TestIdentities.shared.node, trust: TestIdentities.shared.trust)
            })
    }

    /// No authority: each side knows the other's key.
    @Test(arguments: TransportContract.cases)
    func pinsAloneKeepThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            GRPCUnderTest(name: "grpc-pins", authenticatesPeers: true) {
                let node = TestIdentities.shared.node
                return .mutualTLS(identity: node, trust: .pinned([.certificate(node.fingerprint)]))
            })
    }

    @Test(arguments: TransportContract.cases)
    func strictPinsKeepThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            GRPCUnderTest(name: "grpc-strict-pins", authenticatesPeers: true) {
                let (node, trust) = (TestIdentities.shared.node, TestIdentities.shared.trust)
                return .mutualTLS(identity: node, trust: trust.pinning([.publicKey(node.publicKeyFingerprint)]))
            })
    }

    @Test(arguments: TransportContract.cases)
    func unixSocketKeepsThePromise(_ contractCase: ContractCase) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await contractCase.run(
            GRPCUnderTest(
                name: "grpc-unix", listenText: { "unix://\(folder.path)/\(UInt64.random(in: 0 ... .max)).sock" }
            ) { .plaintext })
    }
}

struct GRPCUnderTest: TransportUnderTest {
    let name: String
    var authenticatesPeers = false
    var listenText: @Sendable () -> String = { "grpc://127.0.0.1:0" }
    let security: @Sendable () throws -> GRPCTransport.Security

    var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: listenText()) } }

    func makeTransport() async throws -> any Transport { try GRPCTransport(security: security()) }

    func vanish(_ listener: any Listener) async throws -> Bool {
        guard let listener = listener as? GRPCListener else { return false }
        await listener.sever()
        return true
    }
}
