import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

/// The pieces together, as a profile puts them.
@Suite("Profiles", .timeLimit(.minutes(5)))
struct ResilientTransportTests {
    private static let read = Method<Unary, String, String>(
        "test.Test", "Read", request: .utf8, response: .utf8, isIdempotent: true)
    private static let write = Method<Unary, String, String>(
        "test.Test", "Write", request: .utf8, response: .utf8)

    private struct TestService: Service {
        let handlers: [MethodHandler]
    }

    /// Serves at `memory://name`, failing as often as is said; counts what was asked.
    private func serve(
        _ name: String, on transport: InMemoryTransport, failing: Int = 0, _ count: Tally
    ) async throws {
        let failures = Tally(failing)
        @Sendable func answer() throws -> String {
            count.add(1)
            guard failures.add(-1) < 0 else { throw TransportError(.unavailable, "not now") }
            return name
        }
        let handlers = [
            Self.read.handle { _, _ in try answer() }, Self.write.handle { _, _ in try answer() },
        ]
        _ = try await transport.listen(
            on: Endpoint(parsing: "memory://\(name)"), serving: ServiceTable([TestService(handlers: handlers)]))
    }

    @Test(arguments: [ResilienceProfile.service, .node])
    func anIdempotentCallGetsItsAnswerAndAnotherIsSentOnce(_ profile: ResilienceProfile) async throws {
        let network = InMemoryNetwork()
        let (servers, count) = (InMemoryTransport(network: network), Tally(0))
        for name in ["a", "b"] { try await serve(name, on: servers, failing: 1, count) }
        let peers = [try Endpoint(parsing: "memory://a"), try Endpoint(parsing: "memory://b")]
        let events = Recording<ResilienceEvent>()
        var profile = profile
        profile.retry.backoff = .constant(.milliseconds(1))
        let transport = InMemoryTransport(network: network)
            .resilient(profile, resolver: StaticResolver(peers), observer: { events.append($0) })
        let connection = try await transport.connect(to: "memory://ledger")
        await #expect(throws: TransportError.self) { try await connection.call(Self.write, "") }
        #expect(count.value == 1)
        #expect(["a", "b"].contains(try await connection.call(Self.read, "")))
        #expect(count.value <= 3)
        #expect(events.all.contains { $0.kind == .connected })
        await transport.shutdown(within: .zero)
        await servers.shutdown(within: .zero)
    }

    @Test func aBrokenPeerIsLeftAlone() async throws {
        let network = InMemoryNetwork()
        let (servers, count) = (InMemoryTransport(network: network), Tally(0))
        try await serve("a", on: servers, failing: 1_000, count)
        var profile = ResilienceProfile.service
        (profile.retry, profile.channel.outliers) = (.never, nil)
        let transport = InMemoryTransport(network: network).resilient(profile)
        let connection = try await transport.connect(to: "memory://a")
        for _ in 0..<10 {
            await #expect(throws: TransportError.self) { try await connection.call(Self.read, "") }
        }
        #expect(count.value == 5, "the breaker opens after five failures")
        await transport.shutdown(within: .zero)
        await servers.shutdown(within: .zero)
    }

    @Test func withoutABreakerEachCallIsMade() async throws {
        let network = InMemoryNetwork()
        let (servers, count) = (InMemoryTransport(network: network), Tally(0))
        try await serve("a", on: servers, failing: 1_000, count)
        var profile = ResilienceProfile.service
        (profile.retry, profile.channel.outliers, profile.breaker) = (.never, nil, nil)
        let transport = InMemoryTransport(network: network).resilient(profile)
        let connection = try await transport.connect(to: "memory://a")
        for _ in 0..<10 {
            await #expect(throws: TransportError.self) { try await connection.call(Self.read, "") }
        }
        #expect(count.value == 10)
        await transport.shutdown(within: .zero)
        await servers.shutdown(within: .zero)
    }
}

/// A number that closures share.
private final class Tally: Sendable {
    private let storage: Mutex<Int>

    init(_ value: Int) { storage = Mutex(value) }

    var value: Int { storage.withLock { $0 } }

    @discardableResult
    func add(_ amount: Int) -> Int {
        storage.withLock { value in
            value += amount
            return value
        }
    }
}
