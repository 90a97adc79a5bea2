import ForeignPeers
import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@testable import TransportDNS

/// BIND answers, and its records change while a resolver follows them.
@Suite(.enabled(if: Peers.isThere(Peers.named) && Peers.isThere(Peers.nsupdate)), .timeLimit(.minutes(5)))
struct BindTests {
    private func follow(
        _ target: String, _ server: NameServer, wire: Endpoint.Scheme = .grpc,
        _ change: (inout DNSConfiguration) -> Void = { _ in }
    ) throws -> Followed {
        var configuration = server.configuration
        change(&configuration)
        return try Followed(target) { try DNSResolver(wire: wire, configuration: configuration, clock: $0) }
    }

    @Test func `Addresses of both families are found, and follow what the server says`() async throws {
        let server = try await NameServer(["node 60 A 10.0.0.1", "node 60 AAAA fd00::1"])
        let followed = try follow("dns:///Node.TEST:443", server, wire: .quic)
        #expect(try await followed.peers() == ["quic://Node.TEST:443@10.0.0.1", "quic://Node.TEST:443@[fd00::1]"])
        #expect(try await followed.pause() == .seconds(60))

        try await server.update("add node.test. 60 A 10.0.0.2", "delete node.test. AAAA")
        try await followed.passTime()
        #expect(try await followed.peers() == ["quic://Node.TEST:443@10.0.0.1", "quic://Node.TEST:443@10.0.0.2"])

        try await server.update("delete node.test.")
        try await followed.passTime()
        #expect(try await followed.peers() == [])

        try await server.update("add node.test. 60 A 10.0.0.3")
        try await followed.passTime()
        #expect(try await followed.peers() == ["quic://Node.TEST:443@10.0.0.3"])
        await followed.end()
    }

    @Test func `A time to live holds within its bounds`() async throws {
        let server = try await NameServer(["short 1 A 10.0.0.1", "long 86400 A 10.0.0.1"])
        for (name, pause) in [("short", 5), ("long", 300)] {
            let followed = try follow("dns:///\(name).test:1", server) { $0.families = .ipv4 }
            _ = try await followed.peers()
            #expect(try await followed.pause() == .seconds(pause))
            await followed.end()
        }
    }

    @Test func `A request makes a look-up earlier, but not at once`() async throws {
        let server = try await NameServer(["node 200 A 10.0.0.1"])
        let followed = try follow("dns:///node.test:1", server)
        _ = try await followed.peers()
        #expect(try await followed.pause() == .seconds(200))
        try await server.update("add node.test. 200 A 10.0.0.2")
        followed.requests.request()
        // The wait for a request ends, and another of five seconds begins.
        while try await followed.pause() != .seconds(5) { await Task.yield() }
        followed.clock.advance(by: .seconds(5))
        #expect(try await followed.peers().count == 2)
        await followed.end()
    }

    @Test func `A service has its hosts with priority, weight and port`() async throws {
        let server = try await NameServer([
            "_ledger._tcp 60 SRV 1 10 4433 a", "_ledger._tcp 60 SRV 1 30 4434 b", "_ledger._tcp 60 SRV 2 0 4433 c",
            "a 60 A 10.0.0.1", "b 7 A 10.0.0.2", "c 60 A 10.0.0.3", "d 60 A 10.0.0.4",
        ])
        let followed = try follow("srv:///_ledger._tcp.test", server) { $0.serviceIdentity = .target }
        let peers = try await followed.report().get().map { "\($0.endpoint) \($0.priority) \($0.weight)" }
        #expect(
            Set(peers) == [
                "grpc://a.test:4433@10.0.0.1 1 10", "grpc://b.test:4434@10.0.0.2 1 30",
                "grpc://c.test:4433@10.0.0.3 2 1",
            ])
        // The shortest of all that was asked.
        #expect(try await followed.pause() == .seconds(7))

        try await server.update("delete _ledger._tcp.test. SRV", "add _ledger._tcp.test. 60 SRV 0 5 9 d.test.")
        try await followed.passTime()
        #expect(try await followed.peers() == ["grpc://d.test:9@10.0.0.4"])

        try await server.update("delete _ledger._tcp.test. SRV", "add _ledger._tcp.test. 60 SRV 0 0 0 .")
        try await followed.passTime()
        #expect(try await followed.peers() == [])
        await followed.end()
    }

    @Test func `Who is behind a service has to prove its domain`() async throws {
        let server = try await NameServer(["_ledger._tcp 60 SRV 1 10 4433 a", "a 60 A 10.0.0.1"])
        let followed = try follow("srv:///_ledger._tcp.test", server)
        #expect(try await followed.peers() == ["grpc://test:4433@10.0.0.1"])
        await followed.end()
    }

    @Test func `Aliases are followed, and the shortest time to live on the way counts`() async throws {
        let server = try await NameServer([
            "one 90 CNAME two", "two 40 CNAME three", "three 60 A 10.0.0.1", "round 60 CNAME trip",
            "trip 60 CNAME round",
            "stray 60 CNAME nowhere",
        ])
        let followed = try follow("dns:///one.test:1", server)
        #expect(try await followed.peers() == ["grpc://one.test:1@10.0.0.1"])
        #expect(try await followed.pause() == .seconds(40))
        await followed.end()
        for name in ["round", "stray"] {
            let followed = try follow("dns:///\(name).test:1", server)
            #expect(try await followed.failure()?.code == .unavailable)
            await followed.end()
        }
    }

    @Test func `An answer that does not fit into a datagram comes over TCP`() async throws {
        // BIND takes at most 100 of a kind.
        let server = try await NameServer((1...99).map { "many 60 A 10.0.1.\($0)" })
        let followed = try follow("dns:///many.test:1", server)
        #expect(try await followed.peers().count == 99)
        // The order changes with each answer; that is no news.
        try await followed.passTime()
        try await server.update("delete many.test.", "add many.test. 60 A 10.0.0.1")
        try await followed.passTime()
        #expect(try await followed.peers() == ["grpc://many.test:1@10.0.0.1"])
        await followed.end()
    }

    @Test func `A name that is not there is a failure that says so, kept as long as the zone says`() async throws {
        let server = try await NameServer(["text 60 TXT hello"])
        for (name, reason) in [
            ("absent.test", "there is no name absent.test"), ("text.test", "text.test has no record of type AAAA or A"),
        ] {
            let followed = try follow("dns:///\(name):1", server)
            let error = try #require(try await followed.failure())
            #expect(error.code == .unavailable && error.processing == .notProcessed)
            #expect(error.message.contains(reason), "\(error)")
            // The last number of the zone's SOA.
            #expect(try await followed.pause() == .seconds(20))
            await followed.end()
        }
    }

    @Test func `A server in trouble is asked less and less often, whatever is requested`() async throws {
        let server = try await NameServer()
        let followed = try follow("dns:///node.broken:1", server) {
            $0.backoff = Backoff(initialDelay: .seconds(1), multiplier: 2, maximumDelay: .seconds(5), jitter: .none)
        }
        for pause in [1, 2, 4, 5, 5] {
            let error = try #require(try await followed.failure())
            #expect(error.code == .unavailable && error.message.contains("node.broken: the servers"), "\(error)")
            followed.requests.request()
            try #require(try await followed.pause() == .seconds(pause))
            followed.clock.advance(by: .seconds(pause))
        }
        await followed.end()
    }

    @Test func `Peers stay when the server is gone`() async throws {
        let server = try await NameServer(["_l._tcp 60 SRV 1 10 4433 a", "a 60 A 10.0.0.1"])
        let followed = try follow("srv:///_l._tcp.test", server) {
            $0.queryTimeout = .milliseconds(20)
            $0.tries = 20
        }
        #expect(try await followed.peers().count == 1)
        server.kill()
        try await followed.passTime()
        let error = try #require(try await followed.failure())
        #expect(error.code == .unavailable)
        await followed.end()
    }

    @Test func `The search list is applied to names, not to services, and not to names that end in a dot`() async throws
    {
        let server = try await NameServer(["node.east 60 A 10.0.0.1", "_l._tcp.east 60 SRV 1 10 4433 node.east"])
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let settings = try folder.write("resolv.conf", "search west.test east.test\n")
        let followed = try follow("dns:///node:1", server) { $0.settingsFile = settings }
        #expect(try await followed.peers() == ["grpc://node:1@10.0.0.1"])
        await followed.end()
        for target in ["dns:///node.:1", "srv:///_l._tcp"] {
            let followed = try follow(target, server) { $0.settingsFile = settings }
            #expect(try await followed.failure()?.code == .unavailable)
            await followed.end()
        }
    }

    @Test func `More questions than are asked at the same time are all answered`() async throws {
        let server = try await NameServer(["node 60 A 10.0.0.1"])
        var configuration = server.configuration
        // Sockets have room for some of them only; the rest is asked again.
        (configuration.queryTimeout, configuration.tries) = (.seconds(1), 10)
        let client = DNSClient(try configuration.checked())
        let answers = try await withThrowingTaskGroup(of: DNSAnswer.self) { group in
            for _ in 0..<2_500 {
                group.addTask { try await client.ask("node.test", .ipv4).answer(to: "node.test", .ipv4) }
            }
            return try await group.reduce(into: 0) { count, answer in
                if answer == .found([.ipv4("10.0.0.1")], seconds: 60) { count += 1 }
            }
        }
        #expect(answers == 2_500)
    }
}
