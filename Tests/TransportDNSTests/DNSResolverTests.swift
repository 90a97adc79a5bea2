import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@testable import TransportDNS

@Suite("The resolver makes the best of what servers say", .timeLimit(.minutes(5)))
struct DNSResolverTests {
    private let servers = FakeServers()

    private func follow(_ target: String, _ change: (inout DNSConfiguration) -> Void = { _ in }) throws -> Followed {
        var configuration = DNSConfiguration()
        configuration.backoff = .constant(.seconds(1))
        change(&configuration)
        return try Followed(target) {
            try DNSResolver(wire: .grpc, configuration: configuration.checked(), client: servers, clock: $0)
        }
    }

    @Test func `Addresses are not asked for`() async throws {
        for address in ["10.0.0.1", "[::1]"] {
            let followed = try follow("dns:///\(address):443")
            #expect(try await followed.peers() == ["grpc://\(address):443"])
            await followed.end()
        }
        #expect(servers.questions.isEmpty)
    }

    @Test func `Localhost and the hosts file need no server`() async throws {
        servers.set(local: LocalNames(hosts: "10.9.9.9 Node.Example node # that one\nfd00::9 node.example\nbad node\n"))
        for (name, addresses) in [
            ("localhost", ["127.0.0.1", "[::1]"]), ("a.LOCALHOST.", ["127.0.0.1", "[::1]"]),
            ("node.example", ["10.9.9.9", "[fd00::9]"]), ("node", ["10.9.9.9"]),
        ] {
            let followed = try follow("dns:///\(name):1")
            #expect(try await followed.peers() == addresses.map { "grpc://\(name):1@\($0)" })
            await followed.end()
        }
        let followed = try follow("dns:///localhost:1") { $0.families = .ipv6 }
        #expect(try await followed.peers() == ["grpc://localhost:1@[::1]"])
        await followed.end()
        #expect(servers.questions.isEmpty)
    }

    @Test func `An alias that leads to other servers is followed, but not for ever`() async throws {
        let alias = { (name: String, target: String) in DNSRecord(name: name, seconds: 50, value: .alias(target)) }
        servers.set("A a.example", [alias("a.example", "b.example")])
        servers.set("A b.example", [.ipv4("b.example", "10.0.0.1", 40)])
        let followed = try follow("dns:///a.example:1") { $0.families = .ipv4 }
        #expect(try await followed.peers() == ["grpc://a.example:1@10.0.0.1"])
        #expect(try await followed.pause() == .seconds(40))
        await followed.end()

        for number in 0..<20 {
            servers.set("A n\(number).example", [alias("n\(number).example", "n\(number + 1).example")])
        }
        let endless = try follow("dns:///n0.example:1") { $0.families = .ipv4 }
        #expect(try await endless.failure()?.message.contains("aliases") == true)
        await endless.end()
    }

    @Test func `A part that fails is told, and what it found before stays`() async throws {
        servers.set(
            "SRV _l._tcp.example", [.service("_l._tcp.example", "a.example"), .service("_l._tcp.example", "b.example")])
        servers.set("A a.example", [.ipv4("a.example", "10.0.0.1")])
        servers.set("AAAA a.example", nil)
        servers.set("A b.example", nil)
        servers.set("AAAA b.example", nil)
        let followed = try follow("srv:///_l._tcp.example")
        #expect(try await followed.peers() == ["grpc://example:7@10.0.0.1"])
        #expect(try await followed.failure()?.message == "silence")
        // Not after a minute, as the answers would allow.
        #expect(try await followed.pause() == .seconds(1))

        servers.set("A b.example", [.ipv4("b.example", "10.0.0.2")])
        servers.set("A a.example", nil)
        try await followed.passTime()
        #expect(try await followed.peers() == ["grpc://example:7@10.0.0.1", "grpc://example:7@10.0.0.2"])
        #expect(try await followed.failure() != nil)

        // A host that is not there is another thing than one that nobody knows anything about.
        servers.set("A a.example", [], code: 3)
        servers.set("AAAA a.example", [], code: 3)
        try await followed.passTime()
        #expect(try await followed.peers() == ["grpc://example:7@10.0.0.2"])
        await followed.end()
    }

    @Test func `A family that always fails does not make the other one stale`() async throws {
        servers.set("A a.example", [.ipv4("a.example", "10.0.0.1", 30)])
        servers.set("AAAA a.example", nil)
        let followed = try follow("dns:///a.example:1") {
            $0.backoff = Backoff(
                initialDelay: .seconds(20), multiplier: 10, maximumDelay: .seconds(9_999), jitter: .none)
        }
        #expect(try await followed.peers() == ["grpc://a.example:1@10.0.0.1"])
        for pause in [20, 30, 30] {
            #expect(try await followed.failure()?.message == "silence")
            #expect(try await followed.pause() == .seconds(pause))
            try await followed.passTime()
        }
        // When the other fails as well, what it found stays, and the servers are left alone.
        #expect(try await followed.failure() != nil)
        servers.set("A a.example", nil)
        try await followed.passTime()
        #expect(try await followed.failure() != nil)
        #expect(try await followed.pause() == .seconds(9_999))
        await followed.end()
    }

    @Test func `Hosts with more addresses than others get no larger share`() async throws {
        servers.set(
            "SRV _l._tcp.example",
            [.service("_l._tcp.example", "a.example", weight: 10), .service("_l._tcp.example", "b.example", weight: 5)])
        servers.set("A a.example", [.ipv4("a.example", "10.0.0.1"), .ipv4("a.example", "10.0.0.2")])
        servers.set("A b.example", [.ipv4("b.example", "10.0.0.3")])
        let followed = try follow("srv:///_l._tcp.example")
        let weights = try await followed.report().get().map(\.weight)
        #expect(weights.count == 3 && weights[0] == weights[1] && weights[1] == weights[2])
        await followed.end()
        #expect(
            ServiceLookUp.weights([(weight: 65_535, addressCount: 1), (weight: 0, addressCount: 3)]) == [65_535, 0])
        #expect(ServiceLookUp.weights([]) == [])
    }

    @Test func `No more peers are reported than allowed, and each once`() async throws {
        servers.set("A a.example", (0..<200).map { .ipv4("a.example", "10.0.0.\($0 / 2)") })
        let followed = try follow("dns:///a.example:1") { $0.maximumPeers = 20 }
        #expect(try await Set(followed.peers()).count == 20)
        await followed.end()
    }

    @Test func `A service's hosts have to be host names`() {
        let values = ["", "a\\046b.example", "10.0.0.1", "-", "ok.example"].map {
            DNSRecord.Value.service(priority: 0, weight: 0, port: 0, target: $0)
        }
        #expect(ServiceLookUp.targets(values).map(\.name) == ["-", "ok.example"])
        #expect(ServiceLookUp.domain(of: "_l._tcp.city.example") == "city.example")
        #expect(ServiceLookUp.domain(of: "ledger.example") == "ledger.example")
        #expect(ServiceLookUp.domain(of: "_l._tcp") == "_l._tcp")
    }

    @Test func `What cannot be resolved is refused`() async throws {
        let followed = try follow("grpc://a.example:1")
        #expect(try await followed.failure()?.code == .invalidArgument)
        await followed.end()
        #expect(throws: TransportError.self) { try DNSResolver(wire: .memory) }
        for server in ["udp://a.example:53", "udp://127.0.0.1:0", "unix:///x"] {
            var configuration = DNSConfiguration()
            configuration.servers = [try Endpoint(parsing: server)]
            #expect(throws: TransportError.self) { try DNSResolver(wire: .grpc, configuration: configuration) }
        }
    }
}
