import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Testing
import TransportResilience

@testable import TransportEtcd

/// Against etcd itself, and with its own command-line client.
@Suite(
    "Peers in etcd", .timeLimit(.minutes(10)), .serialized,
    .enabled(if: Peers.isThere(EtcdServer.program)))
struct EtcdTests {
    private static let target = Result { try Endpoint(parsing: "etcd:///ledger") }

    /// Runs `body` with an etcd of its own and a client that is connected to it.
    private func withEtcd(
        user: EtcdClient.User? = nil, _ body: (EtcdServer, EtcdClient) async throws -> Void
    ) async throws {
        let server = try await EtcdServer()
        let transport = try GRPCTransport(security: .plaintext)
        let client = EtcdClient(
            try await transport.connect(to: server.endpoint), user: user, callTimeout: .seconds(20))
        try await body(server, client)
        await transport.shutdown(within: .zero)
    }

    /// Runs `body` while `client` follows the service.
    private func following(
        _ client: EtcdClient, observer: ResilienceObserver? = nil, _ body: (Recorder) async throws -> Void
    ) async throws {
        let recorder = Recorder()
        let target = try Self.target.get()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await EtcdResolver(client, observer: observer).follow(
                    target, requests: ResolutionRequests(), report: recorder.take)
            }
            try await body(recorder)
            group.cancelAll()
        }
    }

    @Test func nodesFindEachOtherAndNoticeWhoLeaves() async throws {
        try await withEtcd { server, client in
            let one = ResolvedPeer(try Endpoint(parsing: "quic://127.0.0.1:1"), weight: 5)
            let two = ResolvedPeer(try Endpoint(parsing: "grpc://127.0.0.1:2"))
            try await following(client) { recorder in
                await recorder.wait { $0.peers == [] }
                let first = Task { try await client.register("ledger", as: one) }
                await recorder.wait { $0.peers == ["quic://127.0.0.1:1"] }
                let second = Task { try await client.register("ledger", as: two) }
                await recorder.wait { $0.peers == ["grpc://127.0.0.1:2", "quic://127.0.0.1:1"] }
                // What stands there is what etcd's own client reads.
                let text = try await server.control("get", "ledger/quic:127.0.0.1:1", "--print-value-only")
                #expect(text.contains(#""Addr":"127.0.0.1:1""#))
                first.cancel()
                try await first.value
                await recorder.wait { $0.peers == ["grpc://127.0.0.1:2"] }
                // The last one stays known until there is another.
                second.cancel()
                try await second.value
                await recorder.wait { $0.failures.contains { $0.message.contains("no record is left") } }
                #expect(recorder.peers == ["grpc://127.0.0.1:2"])
                let again = Task { try await client.register("ledger", as: one) }
                await recorder.wait { $0.peers == ["quic://127.0.0.1:1"] }
                again.cancel()
                try await again.value
            }
        }
    }

    @Test func recordsOfOthersAreFoundAndBadOnesPassedOver() async throws {
        try await withEtcd { server, client in
            let events = Events()
            try await server.control("put", "ledger/a", #"{"Op":0,"Addr":"10.0.0.1:443","Metadata":null}"#)
            try await server.control("put", "ledger/b", "nonsense")
            try await server.control("put", "ledgers/c", #"{"Addr":"10.0.0.3:443"}"#)
            try await following(client, observer: events.take) { recorder in
                await recorder.wait { $0.peers == ["grpc://10.0.0.1:443"] }
                try await server.control("put", "ledger/b", #"{"Addr":"10.0.0.2:443","Metadata":{"weight":2}}"#)
                await recorder.wait { $0.peers == ["grpc://10.0.0.1:443", "grpc://10.0.0.2:443"] }
                try await server.control("del", "ledger/b")
                await recorder.wait { $0.peers == ["grpc://10.0.0.1:443"] }
            }
            let passedOver = events.all.filter { $0.kind == .resolutionFailed }
            #expect(passedOver.map(\.detail) == ["the record \"ledger/b\" is passed over"])
        }
    }

    @Test func aNodeThatDiesIsGoneWithItsLease() async throws {
        try await withEtcd { server, client in
            try await following(client) { recorder in
                await recorder.wait { $0.peers == [] }
                try await server.control("put", "ledger/alive", #"{"Addr":"10.0.0.1:443"}"#)
                await recorder.wait { $0.peers == ["grpc://10.0.0.1:443"] }
                // A node that does nothing more after it has registered.
                let lease = try await client.grantLease(.seconds(10))
                let record = try PeerRecord(ResolvedPeer(Endpoint(parsing: "grpc://127.0.0.1:9"))).json()
                try await client.put(EtcdClient.Entry(key: "ledger/dead", value: record), lease: lease.id)
                // Who looks late finds both in what was said.
                let alive = ["grpc://10.0.0.1:443"]
                await recorder.wait { $0.answers == [[], alive, alive + ["grpc://127.0.0.1:9"], alive] }
                #expect(try await !client.keepAlive(lease: lease.id))
            }
        }
    }

    @Test func aLeaseThatWasLostIsReplaced() async throws {
        try await withEtcd { server, client in
            let events = Events()
            let peer = ResolvedPeer(try Endpoint(parsing: "grpc://127.0.0.1:7"))
            try await following(client) { recorder in
                let registration = Task {
                    try await client.register("ledger", as: peer, timeToLive: .seconds(15), observer: events.take)
                }
                await recorder.wait { $0.peers == ["grpc://127.0.0.1:7"] }
                let lease = try await server.control("lease", "list").split(separator: "\n").last.map(String.init) ?? ""
                try await server.control("lease", "revoke", lease)
                await recorder.wait { $0.failures.contains { $0.message.contains("no record is left") } }
                await events.wait { $0.count { $0.kind == .connected } >= 2 }
                #expect(recorder.peers == ["grpc://127.0.0.1:7"])
                #expect(try await server.control("get", "ledger/", "--prefix", "--keys-only").contains("127.0.0.1:7"))
                registration.cancel()
                try await registration.value
            }
            #expect(events.all.contains { $0.error?.message == "the lease was lost" })
        }
    }

    @Test func aHistoryThatIsGoneIsReadAnew() async throws {
        try await withEtcd { server, client in
            for value in 0..<5 { try await server.control("put", "ledger/x", "\(value)") }
            try await server.control("compact", "5")
            await #expect(throws: EtcdClient.Compacted.self) {
                try await client.watch(prefix: "ledger/", from: 2) { _ in }
            }
        }
    }

    @Test func longListsComeInPages() async throws {
        try await withEtcd { server, client in
            // For longer than a slow disk takes. Several at a time: etcd writes them to it together.
            let lease = try await client.grantLease(.seconds(3_600))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1_203 {
                    if number >= 32 { try await group.next() }
                    group.addTask {
                        let key = "many/" + String(repeating: "0", count: 5 - "\(number)".count) + "\(number)"
                        try await client.put(EtcdClient.Entry(key: key, value: Data("x".utf8)), lease: lease.id)
                    }
                }
                try await group.waitForAll()
            }
            let (entries, revision) = try await client.list(prefix: "many/")
            #expect(entries.count == 1_203)
            #expect(entries.last?.key == "many/01202")
            #expect(revision >= 1_203)
        }
    }

    @Test func anUnreachableEtcdIsReportedAndNotTheEndOfWhatIsKnown() async throws {
        try await withEtcd { server, client in
            try await server.control("put", "ledger/a", #"{"Addr":"10.0.0.1:443"}"#)
            try await following(client) { recorder in
                await recorder.wait { $0.peers == ["grpc://10.0.0.1:443"] }
                server.kill()
                await recorder.wait { !$0.failures.isEmpty }
                #expect(recorder.answers == [["grpc://10.0.0.1:443"]])
                #expect(recorder.failures.first?.code == .unavailable)
            }
        }
    }

    @Test func usersAreAuthenticated() async throws {
        try await withEtcd(user: EtcdClient.User(name: "root", password: "secret")) { server, client in
            try await server.control("user", "add", "root:secret")
            try await server.control("user", "grant-role", "root", "root")
            try await server.control("auth", "enable")
            _ = try await client.list(prefix: "ledger/")
            let stranger = EtcdClient(client.connection)
            await #expect(throws: TransportError.self) { try await stranger.list(prefix: "ledger/") }
            let impostor = EtcdClient(client.connection, user: EtcdClient.User(name: "root", password: "wrong"))
            await #expect(throws: TransportError.self) { try await impostor.list(prefix: "ledger/") }
        }
    }

    @Test func whatCannotBeRegisteredIsRefused() async throws {
        let transport = try GRPCTransport(security: .plaintext)
        let listener = try await transport.listen(on: "grpc://127.0.0.1:0", services: [])
        let client = EtcdClient(try await transport.connect(to: listener.endpoint))
        let peer = ResolvedPeer(try Endpoint(parsing: "grpc://127.0.0.1:1"))
        let noService = await #expect(throws: TransportError.self) { try await client.register("a//b", as: peer) }
        #expect(noService?.code == .invalidArgument)
        let noAddress = await #expect(throws: TransportError.self) {
            try await client.register("a", as: ResolvedPeer(Endpoint(parsing: "memory://x")))
        }
        #expect(noAddress?.message == "only a host and a port can be registered")
        await transport.shutdown(within: .zero)
    }
}
