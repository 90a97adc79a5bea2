import ForeignPeers
import NodeTransport
import Testing
import TransportTLS
import TransportTestKit

@testable import QUICTransport

/// gRPC over QUIC keeps every promise of the abstraction, on real sockets.
@Suite(.timeLimit(.minutes(5))) struct ContractTests {
    @Test(arguments: TransportContract.cases)
    func mutualTLSKeepsThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            QUICUnderTest(name: "quic") { ($0.node, $0.trust) })
    }

    /// No authority: each side knows the other's key.
    @Test(arguments: TransportContract.cases)
    func pinsAloneKeepThePromise(_ contractCase: ContractCase) async throws {
        try await contractCase.run(
            QUICUnderTest(name: "quic-pins") { ($0.node, .pinned([.certificate($0.node.fingerprint)])) })
    }
}

struct QUICUnderTest: TransportUnderTest {
    let name: String
    let authenticatesPeers = true
    let supportsDatagrams = true
    let identity: @Sendable (TestIdentities) throws -> (Identity, Trust)

    var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: "quic://127.0.0.1:0") } }
    /// Other cases move their tens of MiB on the same loops, and the machine may be slow.
    var caseTimeLimit: Duration { .seconds(240) }

    func makeTransport() async throws -> any Transport {
        let (identity, trust) = try identity(.shared)
        var configuration = QUICTransport.Configuration()
        configuration.keepAlive = KeepAlivePolicy(interval: .seconds(1), timeout: .seconds(10))
        return try QUICTransport(identity: identity, trust: trust, configuration: configuration)
    }

    func vanish(_ listener: any Listener) async throws -> Bool {
        guard let listener = listener as? QUICListener else { return false }
        await listener.sever()
        return true
    }
}
