import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportResilience
import TransportTLS

/// Three servers, each a process, are killed and started again in turn, ten times, under 200 callers: no idempotent call
/// fails, with the budget that retries have by default, and each balancer spreads the calls as it should: before, while a
/// server is away, and after.
@Suite("Servers that are killed under load", .timeLimit(.minutes(10)), .serialized)
struct KilledServersTests {
    static let callers = 200
    static let rounds = 10
    /// The calls that a distribution is judged by, 20 for each key.
    static let window = 1_200
    static let keys = 60

    /// Runs `judge` on the calls before all, then in each round while a server is away, and when it is back.
    ///
    /// - Parameters:
    ///   - usesAll: Whether the balancer is connected to each server that is there.
    ///   - identities: With these over mutual TLS, otherwise plaintext.
    private func kill(
        _ balancer: Balancer, usesAll: Bool = true, identities: IdentityFiles? = nil, window: Int = window,
        judge: (_ answers: Load.Answers, _ up: [String], _ away: String?) throws -> Void
    ) async throws {
        var servers: [AnsweringServer] = []
        for _ in 0..<3 { servers.append(try await AnsweringServer(identities)) }
        let names = servers.map(\.answer)
        let load = Load(keys: Self.keys)
        var configuration = ChannelConfiguration()
        configuration.backoff = .constant(.milliseconds(50))
        let security = try identities.map { GRPCTransport.Security.tls(try $0.configuration("client")) } ?? .plaintext
        let transport = try GRPCTransport(security: security)
            .balanced(
                balancer, resolver: StaticResolver(servers.map(\.endpoint)), configuration: configuration,
                observer: load.take
            )
            .retrying(.default, budgets: RetryBudgets())
        let connection = try await transport.connect(to: "dns:///answers:1")
        if usesAll {
            for server in servers { await load.wait(for: .connected, server.endpoint, moreThan: 0) }
        }
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<Self.callers { group.addTask { await load.run(over: connection) } }
            var answers = await load.window(of: window)
            try judge(answers, names, nil)
            for round in 0..<Self.rounds {
                let server = servers[round % servers.count]
                let (name, endpoint) = (server.answer, server.endpoint)
                let (lost, connected) = (load.count(.connectionLost, endpoint), load.count(.connected, endpoint))
                server.kill()
                // Of those that it is connected to the channel notices it at once.
                if answers.byServer[name] != nil { await load.wait(for: .connectionLost, endpoint, moreThan: lost) }
                try judge(await load.window(of: window), names.filter { $0 != name }, name)
                try await server.start()
                if usesAll { await load.wait(for: .connected, endpoint, moreThan: connected) }
                answers = await load.window(of: window)
                try judge(answers, names, nil)
            }
            group.cancelAll()
        }
        #expect(load.failures == [])
        #expect(servers.map { load.count(.peerEjected, $0.endpoint) } == [0, 0, 0])
        await transport.shutdown(within: .zero)
        for server in servers { server.kill() }
    }

    @Test func roundRobinTakesTurns() async throws { try await kill(.roundRobin, judge: expectTurns) }

    /// A connection that breaks off within TLS is a connection that is lost, not somebody who tampers with it.
    @Test func roundRobinTakesTurnsOverMutualTLS() async throws {
        let identities = try IdentityFiles.shared(.p256)
        defer { identities.remove() }
        try await kill(.roundRobin, identities: identities, judge: expectTurns)
    }

    private func expectTurns(_ answers: Load.Answers, _ up: [String], _ away: String?) {
        let counts = answers.byServer
        #expect(Set(counts.keys) == Set(up))
        let share = Self.window / up.count
        for name in up { #expect(abs(counts[name, default: 0] - share) <= share / 5, "\(counts)") }
    }

    /// A server that the system lets wait (runnable, and without a microsecond of processor time in a whole window of 1,200
    /// calls) answers nothing, and rightly gets nothing to do: hence the longer windows, and the median of them.
    @Test func leastRequestSpreadsByLoad() async throws {
        var windows: [[String: Int]] = []
        var names: Set<String> = []
        try await kill(.leastRequest, window: 4 * Self.window) { answers, up, away in
            let counts = answers.byServer
            #expect(Set(counts.keys).isSubset(of: up), "\(counts)")
            guard away == nil else { return }
            windows.append(counts)
            names.formUnion(up)
        }
        let share = 4 * Self.window / 3
        for name in names {
            let counts = windows.map { $0[name, default: 0] }.sorted()
            #expect(abs(counts[counts.count / 2] - share) <= share / 3, "\(windows)")
        }
        #expect(names.count == 3)
    }

    @Test func keysStayWithTheirServers() async throws {
        var homes: [String: String] = [:]
        try await kill(.consistentHashing(loadFactor: 1_000)) { answers, up, away in
            #expect(answers.byKey.count == Self.keys)
            for (key, counts) in answers.byKey {
                #expect(counts.count == 1, "\(key) goes to several: \(counts)")
                let server = try #require(counts.keys.first)
                #expect(up.contains(server))
                let home = homes[key] ?? server
                homes[key] = home
                #expect(server == home || home == away, "\(key) has moved from \(home), which is not \(away ?? "away")")
            }
            // By chance, with odds against it of one to some 100,000.
            for name in up { #expect(homes.values.count { $0 == name } >= 4) }
        }
    }

    @Test func pickFirstStaysWithOneWhileItIsThere() async throws {
        var current: String?
        try await kill(.pickFirst, usesAll: false) { answers, up, away in
            let counts = answers.byServer
            #expect(counts.count == 1, "\(counts)")
            let server = try #require(counts.keys.first)
            #expect(up.contains(server))
            #expect(server == current || current == nil || current == away)
            current = server
        }
    }
}
