import ForeignPeers
import NodeTransport
import Synchronization
import TransportSimulation
import TransportTLS
import TransportTestKit

@testable import QUICTransport

/// gRPC over QUIC between two machines of a simulated world: the first transport is the server's, the next the client's.
final class SimulatedUnderTest: TransportUnderTest {
    let name = "quic on a simulated network"
    let authenticatesPeers = true
    let supportsDatagrams = true
    /// The least: each datagram is work, and a simulation has one thread.
    let bulkBytes = 24 * 1_048_576
    private let world: SimulatedWorld
    private let transportCount = Mutex(0)

    init(_ world: SimulatedWorld) { self.world = world }

    var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: "quic://server:0") } }
    /// Virtual time: an idle timeout or two, and what a congestion window that losses keep small needs for 64 MiB.
    var caseTimeLimit: Duration { .seconds(50_000) }
    var executor: (any TaskExecutor)? { world.executor }
    var clock: any Clock<Duration> { world.clock }

    func makeTransport() async throws -> any Transport {
        let number = transportCount.withLock { count in
            count += 1
            return count
        }
        return try world.machine(number == 1 ? "server" : "client").transport()
    }

    func vanish(_ listener: any Listener) async throws -> Bool {
        guard let listener = listener as? QUICListener else { return false }
        await listener.sever()
        return true
    }

    /// Each case has its own, always the same: FNV-1a of its name.
    static func seed(of name: String) -> UInt64 {
        name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// An identity for the machines of simulated worlds.
struct SimulatedIdentities: Sendable {
    static let shared: SimulatedIdentities = {
        do {
            let (ca, trust) = (TestIdentities.shared.ca, TestIdentities.shared.trust)
            // Signatures that are always of one length, so that runs of one seed are alike to the last byte.
            let issued = try ca.issue(
                name: "machine", dnsNames: ["server", "client", "a", "b", "c"], keyType: .ed25519)
            return SimulatedIdentities(
                node: try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM), trust: trust)
        } catch {
            preconditionFailure("no identities for the simulation: \(error)")
        }
    }()

    let node: Identity
    let trust: Trust

    var tls: TLSConfiguration { TLSConfiguration(identity: node, trust: trust) }
}

extension SimulatedMachine {
    /// A transport of this machine.
    func transport(
        _ configure: (inout QUICTransport.Configuration) -> Void = { _ in }
    ) throws -> QUICTransport {
        var configuration = QUICTransport.Configuration()
        configuration.keepAlive = KeepAlivePolicy(interval: .seconds(1), timeout: .seconds(10))
        configure(&configuration)
        return try QUICTransport(tls: SimulatedIdentities.shared.tls, configuration: configuration, loops: loops)
    }
}
