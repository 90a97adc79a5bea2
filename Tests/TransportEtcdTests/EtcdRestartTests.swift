import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Synchronization
import Testing
import TransportResilience

@testable import TransportEtcd

/// etcd itself is killed and started again while nodes stand in it and callers follow it.
@Suite(
    "An etcd that is restarted", .timeLimit(.minutes(10)),
    .enabled(if: Peers.isThere(EtcdServer.program)))
struct EtcdRestartTests {
    private static let prefix = EtcdResolver.prefix(service: "ledger")

    /// What `body` has at hand: etcd, a client of it, and three nodes under load that are registered with leases of
    /// `timeToLive`.
    private struct Scene {
        let etcd: EtcdServer
        let client: EtcdClient
        let ledger: Ledger
        let nodes: [Endpoint]
        /// Of each node's registration.
        let events: [Events]
        let calls: LeaseCalls
    }

    private func underLoad(_ timeToLive: Duration, _ body: (Scene) async throws -> Void) async throws {
        let etcd = try await EtcdServer()
        let wire = try GRPCTransport(security: .plaintext)
        // A connection of its own, which rebuilds itself.
        let calls = LeaseCalls()
        let link = try await wire.reconnecting().intercepted(client: [calls]).connect(to: etcd.endpoint)
        let client = EtcdClient(link, callTimeout: .seconds(20))
        let ledger = try Ledger()
        var nodes: [Endpoint] = []
        for _ in 0..<3 { nodes.append(try await ledger.serve()) }
        let scene = Scene(
            etcd: etcd, client: client, ledger: ledger, nodes: nodes, events: nodes.map { _ in Events() }, calls: calls)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (node, events) in zip(scene.nodes, scene.events) {
                group.addTask {
                    try await client.register(
                        "ledger", as: ResolvedPeer(node), timeToLive: timeToLive, observer: events.take)
                }
            }
            for events in scene.events { await events.wait { $0.contains { $0.kind == .connected } } }
            let channels = wire.balanced(.roundRobin, resolver: EtcdResolver(client))
            let connection = try await channels.connect(to: "etcd:///ledger")
            group.addTask { await ledger.load(over: connection, callers: 20) }
            await ledger.callsReach(nodes)
            try await body(scene)
            #expect(ledger.failures == [])
            group.cancelAll()
            try await group.waitForAll()
        }
        await wire.shutdown(within: .zero)
        await ledger.end()
    }

    /// The lease of each record by the record's key, as etcd's own client tells it.
    private func leases(_ etcd: EtcdServer) async throws -> [String: Int64] {
        struct Answer: Decodable {
            struct Record: Decodable {
                let key: Data
                let lease: Int64
            }
            let kvs: [Record]?
        }
        let text = try await etcd.control("get", Self.prefix, "--prefix", "--write-out", "json")
        let records = try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).kvs ?? []
        return Dictionary(uniqueKeysWithValues: records.map { (String(decoding: $0.key, as: UTF8.self), $0.lease) })
    }

    /// Returns when each of `nodes` has its record, none of them on one of the leases `old`.
    ///
    /// A node whose process had no processor for as long as its lease lasts loses it and registers anew, so there may be
    /// moments without; the suite's time limit ends a wait that is in vain.
    private func stand(_ nodes: [Endpoint], notOn old: Set<Int64>, _ etcd: EtcdServer) async throws {
        let keys = Set(nodes.map { EtcdResolver.key(service: "ledger", peer: ResolvedPeer($0)) })
        while true {
            let leases = try await leases(etcd)
            if Set(leases.keys) == keys, old.isDisjoint(with: leases.values) { return }
            try Task.checkCancellation()
        }
    }

    /// How many seconds a lease has left; -1 when it is over.
    private func secondsLeft(_ lease: Int64, _ etcd: EtcdServer) async throws -> Int {
        struct Answer: Decodable { let ttl: Int }
        let text = try await etcd.control("lease", "timetolive", String(lease, radix: 16), "--write-out", "json")
        return try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).ttl
    }

    @Test("An etcd that is away for longer than the leases costs no call, and nodes register anew")
    func longAbsence() async throws {
        try await underLoad(.seconds(3)) { scene in
            try await stand(scene.nodes, notOn: [], scene.etcd)
            let before = Set(try await leases(scene.etcd).values)
            scene.etcd.kill()
            // Each node has given its lease up.
            for events in scene.events { await events.wait { $0.contains { $0.kind == .connectFailed } } }
            await scene.ledger.callsReach(scene.nodes)

            try await scene.etcd.start()
            for events in scene.events { await events.wait { $0.count { $0.kind == .connected } >= 2 } }
            try await stand(scene.nodes, notOn: before, scene.etcd)

            // One that joins now is found.
            let joined = try await scene.ledger.serve()
            let registration = Task { try await scene.client.register("ledger", as: ResolvedPeer(joined)) }
            await scene.ledger.callsReach(scene.nodes + [joined])
            // What hung on the old leases goes with them, and the records do not.
            for lease in before {
                while try await secondsLeft(lease, scene.etcd) > 0 { try Task.checkCancellation() }
            }
            try await stand(scene.nodes + [joined], notOn: before, scene.etcd)
            await scene.ledger.callsReach(scene.nodes + [joined])
            registration.cancel()
            try await registration.value
        }
    }

    @Test("An etcd that is back before the leases are over finds them kept alive")
    func shortAbsence() async throws {
        // Long: nodes give up a lease for which they cannot ask for 12 seconds, and a slow machine takes some to start etcd.
        try await underLoad(.seconds(18)) { scene in
            let before = try await leases(scene.etcd)
            scene.etcd.kill()
            try await scene.etcd.start()
            // A node asks once in six seconds: with more than twelve requests one of the three has asked five times, and
            // 24 seconds have passed, in which leases that nobody keeps alive run out.
            let asked = scene.calls.keepAlives
            await scene.calls.wait(forKeepAlives: asked + 13)
            #expect(try await leases(scene.etcd) == before)
            for lease in before.values { #expect(try await secondsLeft(lease, scene.etcd) > 0) }
            for events in scene.events { #expect(events.all.map(\.kind) == [.connected]) }
            await scene.ledger.callsReach(scene.nodes)
        }
    }

    /// The records of all nodes would be gone for a moment, had each of them ended its lease first.
    @Test func aLeaseThatCannotBeKeptAliveIsLeftToRunOut() async throws {
        let etcd = try await EtcdServer()
        let calls = LeaseCalls(letsKeepAlivesThrough: false)
        let wire = try GRPCTransport(security: .plaintext).intercepted(client: [calls])
        let client = EtcdClient(try await wire.connect(to: etcd.endpoint), callTimeout: .seconds(20))
        let events = Events()
        let node = ResolvedPeer(try Endpoint(parsing: "grpc://127.0.0.1:7"))
        let registration = Task {
            try await client.register("ledger", as: node, timeToLive: .seconds(10), observer: events.take)
        }
        await events.wait { $0.count { $0.kind == .connected } >= 2 }
        #expect(events.all.prefix(3).map(\.kind) == [.connected, .connectFailed, .connected])
        #expect(calls.revocations == 0)
        registration.cancel()
        try await registration.value
        #expect(calls.revocations == 1)
        #expect(try await leases(etcd) == [:])
        await wire.shutdown(within: .zero)
    }

    /// Counts what is asked of etcd about leases; it can hold back what keeps one alive.
    private final class LeaseCalls: ClientInterceptor {
        private struct Counts {
            var revocations = 0
            var keepAlives = 0
        }

        private let letsKeepAlivesThrough: Bool
        private let counts = Mutex(Counts())
        private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

        init(letsKeepAlivesThrough: Bool = true) { self.letsKeepAlivesThrough = letsKeepAlivesThrough }

        var revocations: Int { counts.withLock { $0.revocations } }
        var keepAlives: Int { counts.withLock { $0.keepAlives } }

        /// The suite's time limit ends a wait that is in vain.
        func wait(forKeepAlives count: Int) async {
            if keepAlives >= count { return }
            for await _ in changes where keepAlives >= count { return }
        }

        func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
            if head.method == EtcdMethods.leaseRevoke.name { counts.withLock { $0.revocations += 1 } }
            return try await next(head, request)
        }

        func stream(_ head: CallHead, next: StreamNext) async throws -> any ClientCall {
            guard head.method == EtcdMethods.leaseKeepAlive.name else { return try await next(head) }
            guard letsKeepAlivesThrough else { throw TransportError(.unavailable, "as asked") }
            counts.withLock { $0.keepAlives += 1 }
            change.yield()
            return try await next(head)
        }
    }
}
