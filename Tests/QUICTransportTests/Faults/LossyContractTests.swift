import NodeTransport
import Testing
import TransportTLS
import TransportTestKit

@testable import QUICTransport

/// The abstraction's promises hold when every tenth datagram is lost and some come twice or late.
@Suite("The contract at 10 percent loss", .timeLimit(.minutes(5)))
struct LossyContractTests {
    @Test(arguments: TransportContract.cases.filter(LossyTransportUnderTest.makesSense))
    func keepsThePromise(_ contractCase: ContractCase) async throws {
        let seed = LossyTransportUnderTest.seed(of: contractCase.name)
        do {
            try await contractCase.run(LossyTransportUnderTest(seed: seed))
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }
}

struct LossyTransportUnderTest: TransportUnderTest {
    let name = "quic at 10 % loss"
    let authenticatesPeers = true
    let seed: UInt64

    var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: "quic://127.0.0.1:0") } }
    /// Times are real here, and each loss takes its own.
    var caseTimeLimit: Duration { .seconds(150) }
    /// A tenth lost keeps the congestion window small.
    var bulkBytes: Int { 25_165_824 }

    /// Each case has its own, always the same: FNV-1a of its name.
    static func seed(of name: String) -> UInt64 {
        name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Datagrams may get lost, which is what is done to them here.
    static func makesSense(_ contractCase: ContractCase) -> Bool { !contractCase.name.contains("datagram") }

    func makeTransport() async throws -> any Transport {
        let identities = TestIdentities.shared
        var configuration = QUICTransport.Configuration()
        configuration.keepAlive = KeepAlivePolicy(interval: .seconds(1), timeout: .seconds(10))
        return RelayedTransport(
            transport: try QUICTransport(
                identity: identities.node, trust: identities.trust, configuration: configuration),
            seed: seed)
    }

    func vanish(_ listener: any Listener) async throws -> Bool {
        guard let relayed = listener as? RelayedListener, let listener = relayed.listener as? QUICListener else {
            return false
        }
        await listener.sever()
        await relayed.relay.stop()
        return true
    }
}
