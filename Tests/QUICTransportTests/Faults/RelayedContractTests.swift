import ForeignPeers
import NodeTransport
import Testing
import TransportTLS
import TransportTestKit

@testable import QUICTransport

/// Losses on real sockets, in real time: trains of datagrams that the kernel joins and cuts, of which parts are missing.
///
/// A few small cases only. The whole contract at losses is in ``SimulatedContractTests``, where time costs nothing.
@Suite("The contract through a relay that loses every tenth datagram", .timeLimit(.minutes(5)))
struct RelayedContractTests {
    private static let names: Set = [
        "a unary call gets its response", "a server stream arrives whole and in order",
        "a bidirectional call goes back and forth", "a message of 1 MiB arrives unchanged both ways",
        "a shutdown without calls in flight is immediate",
    ]
    private static let cases = TransportContract.cases.filter { names.contains($0.name) }

    @Test(arguments: cases)
    func keepsThePromise(_ contractCase: ContractCase) async throws {
        let seed = SimulatedUnderTest.seed(of: contractCase.name)
        do {
            try await contractCase.run(RelayedUnderTest(seed: seed))
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }

    @Test func `No case has another name than it had`() { #expect(Self.cases.count == Self.names.count) }
}

struct RelayedUnderTest: TransportUnderTest {
    let name = "quic through a relay"
    let authenticatesPeers = true
    let seed: UInt64

    var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: "quic://127.0.0.1:0") } }
    /// Times are real here, and each loss takes its own.
    var caseTimeLimit: Duration { .seconds(240) }

    func makeTransport() async throws -> any Transport {
        let identities = TestIdentities.shared
        var configuration = QUICTransport.Configuration()
        configuration.keepAlive = KeepAlivePolicy(interval: .seconds(1), timeout: .seconds(30))
        // Each loss of the same flight doubles the wait for the next try.
        configuration.handshakeTimeout = .seconds(30)
        return RelayedTransport(
            transport: try QUICTransport(
                identity: identities.node, trust: identities.trust, configuration: configuration),
            seed: seed)
    }
}
