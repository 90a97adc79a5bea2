import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Synchronization
import TransportResilience

@testable import TransportEtcd

/// An etcd of Debian's on loopback, with its data in a temporary folder; it ends with the test.
final class EtcdServer: Sendable {
    struct Failure: Error {
        let description: String
    }

    static let program = "/usr/bin/etcd"

    let endpoint: Endpoint
    private let folder: TemporaryFolder
    private let ports: (client: Int, peer: Int)
    private let process: Mutex<PeerProcess>

    /// Starts one and waits until it answers.
    init() async throws {
        folder = try TemporaryFolder()
        let client = try freePort()
        var peer = try freePort()
        while peer == client { peer = try freePort() }
        ports = (client, peer)
        endpoint = try Endpoint(parsing: "grpc://127.0.0.1:\(ports.client)")
        process = Mutex(try await Self.start(folder.path, ports))
        try await waitUntilItAnswers()
    }

    /// Kills it, as `kill -9` does.
    func kill() { process.withLock { $0.kill() } }

    /// Starts it again where it was, with its data.
    func start() async throws {
        // Its successor can neither listen nor open the data before it is gone.
        await process.withLock { $0 }.killAndWait()
        let started = try await Self.start(folder.path, ports)
        process.withLock { $0 = started }
        try await waitUntilItAnswers()
    }

    /// Runs `etcdctl`, which nobody here wrote.
    @discardableResult
    func control(_ arguments: String..., user: String? = nil) async throws -> String {
        let common =
            ["--endpoints", endpoint.authority, "--dial-timeout", "60s", "--command-timeout", "60s"]
            + (user.map { ["--user", $0] } ?? [])
        let outcome = try await PeerProcess.run("/usr/bin/etcdctl", common + arguments)
        guard outcome.status == 0 else {
            throw Failure(description: "etcdctl \(arguments): \(outcome.output)\(outcome.errors)")
        }
        return outcome.output
    }

    deinit {
        process.withLock { $0.kill() }
        folder.remove()
    }

    private static func start(_ folder: String, _ ports: (client: Int, peer: Int)) async throws -> PeerProcess {
        let (client, peer) = ("http://127.0.0.1:\(ports.client)", "http://127.0.0.1:\(ports.peer)")
        let command =
            "echo STARTED; exec \(program) --data-dir '\(folder)/data' --listen-client-urls \(client) "
            + "--advertise-client-urls \(client) --listen-peer-urls \(peer) --initial-advertise-peer-urls \(peer) "
            + "--initial-cluster default=\(peer) >>'\(folder)/log' 2>&1"
        return try await PeerProcess.start("/bin/sh", ["-c", command], announcing: "STARTED").0
    }

    private func waitUntilItAnswers() async throws {
        let transport = try GRPCTransport(security: .plaintext)
        let policy = RetryPolicy(
            attempts: try Attempts(600), backoff: .constant(.milliseconds(100)),
            retryable: [.codes([.unavailable, .deadlineExceeded])])
        try await withRetry(policy, operation: "waiting for etcd", isIdempotent: true) { _ in
            let connection = try await transport.connect(to: endpoint)
            _ = try await EtcdClient(connection).list(prefix: "none/")
        }
        await transport.shutdown(within: .zero)
    }
}
