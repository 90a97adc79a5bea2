import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("Channels choose peers", .timeLimit(.minutes(5)))
struct ChannelChoiceTests {
    private let rig = ChannelRig()

    private func who(_ connection: any Connection, _ routing: CallRouting = .default) async throws -> String {
        try await connection.routed { $0 = routing }.call(ChannelRig.who, "")
    }

    /// A channel with connections to the peers of these names.
    private func connected(
        _ balancer: Balancer, _ names: [String], _ configuration: ChannelConfiguration = ChannelConfiguration()
    ) async throws -> any Connection {
        for name in names { try await rig.serve(name) }
        rig.resolver.resolve(try names.map { ResolvedPeer(try ChannelRig.endpoint($0)) })
        let channel = try await rig.connect(balancer, configuration)
        await rig.events.wait(for: .connected, count: names.count)
        return channel
    }

    @Test func peersThatACallAvoidsGetItOnlyWhenThereIsNoOther() async throws {
        let channel = try await connected(.roundRobin, ["a", "b"])
        let (a, b) = (try ChannelRig.endpoint("a"), try ChannelRig.endpoint("b"))
        for _ in 0..<10 { #expect(try await who(channel, CallRouting(avoided: [a])) == "b") }
        var answers: Set<String> = []
        for _ in 0..<10 { answers.insert(try await who(channel, CallRouting(avoided: [a, b]))) }
        #expect(answers == ["a", "b"])
        await rig.end()
    }

    @Test func callsWithOneKeyGoToOnePeer() async throws {
        let channel = try await connected(.consistentHashing(), ["a", "b", "c", "d"])
        var owners: Set<String> = []
        for key in 0..<40 {
            let routing = CallRouting(key: "key-\(key)")
            let owner = try await who(channel, routing)
            owners.insert(owner)
            for _ in 0..<3 { #expect(try await who(channel, routing) == owner) }
        }
        #expect(owners == ["a", "b", "c", "d"])
        await rig.end()
    }

    @Test("A stream counts at its peer until it is read to its end, cancelled or let go of")
    func callsInFlight() async throws {
        let channel = try await connected(.leastRequest, ["a", "b"])
        for ending in ["end", "cancel", "release"] {
            var chat: BidirectionalCall? = try await channel.call(ChannelRig.chat)
            try await chat?.requests.send("")
            let busy = try #require(try await chat?.responses.next())
            for _ in 0..<20 { #expect(try await who(channel) != busy) }
            switch ending {
            case "end":
                try await chat?.requests.finish()
                #expect(try await chat?.responses.next() == nil)
            case "cancel": chat?.cancel()
            default: chat = nil
            }
            // Now both are taken: each pick is a coin's throw.
            var answers: Set<String> = []
            for _ in 0..<64 where answers.count < 2 { answers.insert(try await who(channel)) }
            #expect(answers == ["a", "b"], "after \(ending)")
            withExtendedLifetime(chat) {}
            chat = nil
        }
        await rig.end()
    }

    @Test func aPeerThatAnswersBadlyIsLeftOutForAWhile() async throws {
        let channel = try await connected(.roundRobin, ["a", "b"])
        rig.failing.withLock { $0["a"] = .internal }
        var failures = 0
        for _ in 0..<30 {
            do {
                #expect(try await who(channel) == "b")
            } catch let error as TransportError {
                #expect(error.endpoint == (try ChannelRig.endpoint("a")))
                failures += 1
            }
        }
        #expect(failures == 5)
        #expect(rig.events.count(.peerEjected) == 1)
        rig.failing.withLock { $0["a"] = nil }
        await rig.passingTime { await rig.events.wait(for: .peerReturned) }
        var answers: Set<String> = []
        for _ in 0..<2 { answers.insert(try await who(channel)) }
        #expect(answers == ["a", "b"])
        await rig.end()
    }

    @Test func refusalsDoNotSpeakAgainstAPeer() async throws {
        let channel = try await connected(.roundRobin, ["a", "b"])
        rig.failing.withLock { $0["a"] = .permissionDenied }
        var failures = 0
        for _ in 0..<30 {
            do { _ = try await who(channel) } catch { failures += 1 }
        }
        #expect(failures == 15)
        #expect(rig.events.count(.peerEjected) == 0)
        await rig.end()
    }

    @Test func peersThatDoNotServeGetNoCalls() async throws {
        let health = DrivenHealth()
        var configuration = ChannelConfiguration()
        (configuration.health, configuration.connectsLazily) = (health, true)
        let channel = try await connected(.roundRobin, ["a", "b"], configuration)
        await health.reports.wait { $0.count == 2 }
        async let first = who(channel)
        let (a, b) = (try ChannelRig.endpoint("a"), try ChannelRig.endpoint("b"))
        health.say(true, of: a)
        #expect(try await first == "a", "nobody is asked before it is known that it serves")
        health.say(true, of: b)
        health.say(false, of: a)
        for _ in 0..<5 { #expect(try await who(channel) == "b") }
        health.say(false, of: b)
        let error = await #expect(throws: TransportError.self) { try await who(channel) }
        #expect(error?.code == .unavailable)
        await rig.end()
    }

    @Test("A call that its connection refuses goes to another peer", arguments: [TransportError.Origin.local, .remote])
    func refusedCalls(origin: TransportError.Origin) async throws {
        for name in ["a", "b"] { try await rig.serve(name) }
        let base = WatchedTransport(rig.client)
        rig.resolver.resolve(try rig.peers("a", "b"))
        let (a, b) = (try ChannelRig.endpoint("a"), try ChannelRig.endpoint("b"))
        let channel = try await rig.balanced(.roundRobin, over: base).connect(to: ChannelRig.endpoint("target"))
        await rig.events.wait(for: .connected, count: 2)
        base.refusing.withLock { $0[a] = origin }
        for _ in 0..<6 { #expect(try await who(channel) == "b") }
        let refusalCount = base.refusals.all.count
        #expect((3...6).contains(refusalCount), "at most one for each call")
        #expect(rig.events.count(.connectionLost) == 0 && base.connections.all.count == 2, "the connection is kept")
        base.refusing.withLock { $0[b] = origin }
        let error = await #expect(throws: TransportError.self) { try await who(channel) }
        #expect(error?.message == "refused" && error?.endpoint != nil)
        #expect((2...3).contains(base.refusals.all.count - refusalCount), "it does not go round in circles")
        await rig.end()
    }

    @Test func aCallThatWaitsIsMadeAnewWhenItsOnlyConnectionRefusesIt() async throws {
        try await rig.serve("a")
        let base = WatchedTransport(rig.client)
        rig.resolver.resolve(try rig.peers("a"))
        let channel = try await rig.balanced(.pickFirst, over: base).connect(to: ChannelRig.endpoint("target"))
        let a = try ChannelRig.endpoint("a")
        base.refusing.withLock { $0[a] = .library }
        await #expect(throws: TransportError.self) { try await who(channel) }
        async let answer = who(channel, CallRouting(waitsForReady: true))
        await base.refusals.wait { $0.count == 2 }
        base.refusing.withLock { $0[a] = nil }
        let time = rig.passTime()
        #expect(try await answer == "a")
        time.cancel()
        #expect(base.refusals.all.count == 2)
        // The state that the connection shows may lag behind: then its end is what the call waits for.
        base.refusing.withLock { $0[a] = .library }
        async let next = who(channel, CallRouting(waitsForReady: true))
        await base.refusals.wait { $0.count == 3 }
        base.refusing.withLock { $0[a] = nil }
        rig.network.disconnect(a)
        let more = rig.passTime()
        #expect(try await next == "a")
        more.cancel()
        await rig.end()
    }

    @Test func attemptsThatDoNotAnswerAreOvertakenAndAtLastGivenUp() async throws {
        let names = ["a", "b", "c"]
        try await rig.serve("c")
        let silent = Set(try names.prefix(2).map { try ChannelRig.endpoint($0) })
        let base = WatchedTransport(rig.client, silent: silent)
        rig.resolver.resolve(try rig.peers("a", "b", "c"))
        let (rig, target) = (rig, try ChannelRig.endpoint("target"))
        async let channel = rig.balanced(.pickFirst, over: base).connect(to: target)
        // No further than to the last attempt, lest the first be given up meanwhile.
        for count in 1..<names.count {
            await base.attempts.wait(count: count)
            await rig.clock.waitForSleepers()
            rig.clock.advance(by: .milliseconds(250))
        }
        #expect(try await who(channel) == "c")
        #expect(base.attempts.all.map(\.authority) == names)
        await rig.end()

        let alone = ChannelRig()
        alone.resolver.resolve(try alone.peers("a"))
        let unreachable = WatchedTransport(alone.client, silent: silent)
        let never = Task { try await alone.balanced(.pickFirst, over: unreachable).connect(to: target) }
        await unreachable.attempts.wait { $0.count == 1 }
        let error = await alone.passingTime {
            await #expect(throws: TransportError.self) { _ = try await never.value }
        }
        #expect(error?.code == .unavailable && error?.endpoint == silent.first { $0.authority == "a" })
    }

    @Test func theConnectionToAPeerThatLeavesIsClosedOnceItsCallsHaveEnded() async throws {
        for name in ["a", "b"] { try await rig.serve(name) }
        let base = WatchedTransport(rig.client)
        rig.resolver.resolve(try rig.peers("a"))
        let channel = try await rig.balanced(.leastRequest, over: base).connect(to: ChannelRig.endpoint("target"))
        let chat = try await channel.call(ChannelRig.chat)
        try await chat.requests.send("")
        #expect(try await chat.responses.next() == "a")
        rig.resolver.resolve(try rig.peers("b"))
        let connection = try #require(base.connections.all.first)
        for await state in connection.stateUpdates() where !state.isReady { break }
        #expect(!connection.state.isClosed)
        try await chat.requests.finish()
        #expect(try await chat.responses.next() == nil)
        for await state in connection.stateUpdates() where state.isClosed { break }
        #expect(try await who(channel) == "b")
        await rig.end()
    }

    @Test func aChannelThatIsLetGoOfClosesItsConnections() async throws {
        try await rig.serve("a")
        let base = WatchedTransport(rig.client)
        rig.resolver.resolve(try rig.peers("a"))
        var channel: (any Connection)? = try await rig.balanced(.roundRobin, over: base)
            .connect(to: ChannelRig.endpoint("target"))
        let chat = try await channel?.call(ChannelRig.chat)
        try await chat?.requests.send("")
        #expect(try await chat?.responses.next() == "a")
        channel = nil
        let connection = try #require(base.connections.all.first)
        for await state in connection.stateUpdates() where !state.isReady { break }
        try await chat?.requests.send("")
        #expect(try await chat?.responses.next() == "a", "calls in flight go on")
        try await chat?.requests.finish()
        #expect(try await chat?.responses.next() == nil)
        for await state in connection.stateUpdates() where state.isClosed { break }
        #expect(connection.state.isClosed)
        await rig.end()
    }
}

/// Health as the test says.
private final class DrivenHealth: PeerHealth {
    let reports = Recording<(Endpoint, @Sendable (Bool) -> Void)>()

    func say(_ isServing: Bool, of endpoint: Endpoint) {
        for (peer, report) in reports.all where peer == endpoint { report(isServing) }
    }

    func follow(_ connection: any Connection, report: @escaping @Sendable (Bool) -> Void) async {
        reports.append((connection.endpoint, report))
        // Ends when the task is cancelled.
        for await _ in AsyncStream<Never>.makeStream().stream {}
    }
}
