import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("Channels", .timeLimit(.minutes(5)))
struct ChannelTests {
    private let rig = ChannelRig()

    private func who(_ connection: any Connection, waits: Bool = false) async throws -> String {
        try await connection.routed { $0.waitsForReady = waits }.call(ChannelRig.who, "")
    }

    @Test func callsGoToAllPeersInTurn() async throws {
        for name in ["a", "b", "c"] { try await rig.serve(name) }
        rig.resolver.resolve(try rig.peers("a", "b", "c"))
        let channel = try await rig.connect(.roundRobin)
        await rig.events.wait(for: .connected, count: 3)
        var answers: [String] = []
        for _ in 0..<6 { answers.append(try await who(channel)) }
        #expect(Set(answers.prefix(3)) == ["a", "b", "c"] && Set(answers.suffix(3)) == ["a", "b", "c"])
        #expect(channel.endpoint == (try ChannelRig.endpoint("target")))
        await rig.end()
    }

    @Test func connectingAwaitsTheFirstPeerOrTheFailureOfAll() async throws {
        try await rig.serve("b")
        rig.resolver.resolve(try rig.peers("a", "b"))
        let channel = try await rig.connect(.roundRobin)
        #expect(try await who(channel) == "b")
        let nobody = ChannelRig()
        nobody.resolver.resolve(try nobody.peers("x", "y"))
        let error = await #expect(throws: TransportError.self) { _ = try await nobody.connect(.roundRobin) }
        #expect(error?.code == .unavailable && error?.processing == .notProcessed)
        #expect(error?.description.contains("memory://x") == true || error?.description.contains("memory://y") == true)
        let unresolved = ChannelRig()
        unresolved.resolver.fail(TransportError(.unavailable, "no such name"))
        let noName = await #expect(throws: TransportError.self) { _ = try await unresolved.connect(.roundRobin) }
        #expect(noName?.message == "no such name")
        await rig.end()
    }

    @Test("Connecting can be cancelled while nothing is resolved")
    func cancelledConnecting() async throws {
        let rig = rig
        let task = Task { try await rig.connect(.pickFirst) }
        task.cancel()
        let error = await #expect(throws: TransportError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled && error?.processing == .notProcessed)
        await rig.end()
    }

    @Test func aLazyChannelIsThereAtOnceAndCallsWaitForItsFirstPeer() async throws {
        try await rig.serve("a")
        var configuration = ChannelConfiguration()
        configuration.connectsLazily = true
        let channel = try await rig.connect(.pickFirst, configuration)
        #expect(!channel.state.isReady)
        async let answer = who(channel)
        rig.resolver.resolve(try rig.peers("a"))
        #expect(try await answer == "a")
        await rig.end()
    }

    @Test("A peer that is killed is not ejected for the calls that it had in flight")
    func killedPeerWithCalls() async throws {
        for name in ["a", "b"] { try await rig.serve(name) }
        rig.resolver.resolve(try rig.peers("a", "b"))
        let channel = try await rig.connect(.roundRobin)
        await rig.events.wait(for: .connected, count: 2)
        var answers: [String] = []
        var chats: [BidirectionalCall<String, String>] = []
        for _ in 0..<20 {
            let chat = try await channel.call(ChannelRig.chat)
            try await chat.requests.send("who?")
            answers.append(try #require(try await chat.responses.next()))
            chats.append(chat)
        }
        rig.network.vanish(try ChannelRig.endpoint("a"))
        for (chat, answer) in zip(chats, answers) where answer == "a" {
            await #expect(throws: TransportError.self) { try await chat.responses.next() }
        }
        #expect(answers.count { $0 == "a" } == 10)
        #expect(rig.events.count(.peerEjected) == 0)
        await rig.end()
    }

    @Test("A peer that is killed is left out, and used again once it is back")
    func killedPeer() async throws {
        for name in ["a", "b"] { try await rig.serve(name) }
        rig.resolver.resolve(try rig.peers("a", "b"))
        let channel = try await rig.connect(.roundRobin)
        await rig.events.wait(for: .connected, count: 2)
        rig.network.vanish(try ChannelRig.endpoint("a"))
        for _ in 0..<20 { #expect(try await who(channel) == "b") }
        #expect(channel.state.isReady)
        // Two tasks tell of them.
        await rig.events.wait(for: .connectFailed)
        await rig.events.wait(for: .connectionLost)
        #expect(rig.events.count(.connectionLost) == 1)
        try await rig.serve("a")
        await rig.passingTime { await rig.events.wait(for: .connected, count: 3) }
        var answers: Set<String> = []
        for _ in 0..<2 { answers.insert(try await who(channel)) }
        #expect(answers == ["a", "b"])
        // The resolver was asked.
        await rig.resolver.asked.wait(count: 1)
        await rig.end()
    }

    @Test("Calls that wait all succeed while the only peer goes and comes back")
    func waitingCalls() async throws {
        let endpoint = try ChannelRig.endpoint("a")
        try await rig.serve("a")
        rig.resolver.resolve(try rig.peers("a"))
        let channel = try await rig.connect(.pickFirst)
        rig.network.vanish(endpoint)
        await rig.events.wait(for: .connectFailed)
        let failing = await #expect(throws: TransportError.self) { try await who(channel) }
        #expect(failing?.code == .unavailable && failing?.processing == .notProcessed, "others fail at once")
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<100 { group.addTask { try await self.who(channel, waits: true) } }
            try await rig.serve("a")
            let time = rig.passTime()
            defer { time.cancel() }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: "a", count: 100))
        await rig.end()
    }

    @Test("Rolling restarts fail no call that waits")
    func rollingRestarts() async throws {
        let names = ["a", "b", "c"]
        let listeners = Mutex<[String: any Listener]>([:])
        for name in names {
            let listener = try await rig.serve(name)
            listeners.withLock { $0[name] = listener }
        }
        rig.resolver.resolve(try rig.peers("a", "b", "c"))
        var configuration = ChannelConfiguration()
        configuration.backoff = .constant(.milliseconds(1))
        let channel = try await rig.connect(.leastRequest, configuration)
        await rig.events.wait(for: .connected, count: 3)
        let rig = rig
        let (begun, isOver) = (Recording<Void>(), Recording<Void>())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    _ = try await self.who(channel, waits: true)
                    begun.append(())
                    while isOver.all.isEmpty { _ = try await self.who(channel, waits: true) }
                }
            }
            await begun.wait(count: 2)
            for _ in 0..<3 {
                for name in names {
                    // Before the peer goes: it may be called back as soon as it listens.
                    let connected = rig.events.count(.connected)
                    await listeners.withLock { $0[name] }?.shutdown(within: .seconds(20))
                    rig.clock.advance(by: .milliseconds(5))
                    let listener = try await rig.serve(name)
                    listeners.withLock { $0[name] = listener }
                    // Time passes until the peer has been called back.
                    while rig.events.count(.connected) == connected {
                        try Task.checkCancellation()
                        rig.clock.advance(by: .milliseconds(5))
                        await Task.yield()
                    }
                }
            }
            isOver.append(())
            try await group.waitForAll()
        }
        await rig.end()
    }

    @Test("A draining peer is replaced before its calls have ended")
    func draining() async throws {
        let listener = try await rig.serve("a")
        try await rig.serve("b")
        rig.resolver.resolve(try rig.peers("a", "b"))
        let channel = try await rig.connect(.pickFirst)
        let chat = try await channel.call(ChannelRig.chat)
        try await chat.requests.send("")
        #expect(try await chat.responses.next() == "a")
        async let stopping: Void = listener.shutdown(within: .seconds(60))
        await rig.events.wait(for: .connected, count: 2)
        #expect(try await who(channel) == "b")
        try await chat.requests.send("")
        #expect(try await chat.responses.next() == "a", "the old call goes on")
        try await chat.requests.finish()
        #expect(try await chat.responses.next() == nil)
        await stopping
        await rig.end()
    }

    @Test func peersComeAndGoWithTheResolverAndCallsInFlightFinish() async throws {
        for name in ["a", "b"] { try await rig.serve(name) }
        rig.resolver.resolve(try rig.peers("a"))
        let channel = try await rig.connect(.roundRobin)
        let chat = try await channel.call(ChannelRig.chat)
        try await chat.requests.send("")
        #expect(try await chat.responses.next() == "a")
        rig.resolver.resolve(try rig.peers("b"))
        await rig.events.wait(for: .connected, count: 2)
        for _ in 0..<3 { #expect(try await who(channel) == "b") }
        try await chat.requests.send("")
        #expect(try await chat.responses.next() == "a")
        try await chat.requests.finish()
        #expect(try await chat.responses.next() == nil)
        rig.resolver.fail(TransportError(.unavailable, "the name server is away"))
        await rig.events.wait(for: .resolutionFailed)
        #expect(try await who(channel) == "b", "a failed look-up takes nothing away")
        rig.resolver.resolve([])
        await rig.events.wait(for: .peersChanged, count: 3)
        let error = await #expect(throws: TransportError.self) { try await who(channel) }
        #expect(error?.code == .unavailable)
        await rig.end()
    }

    @Test func waitingCallsEndAtTheirDeadlineAndAreBoundedInNumber() async throws {
        var configuration = ChannelConfiguration()
        (configuration.connectsLazily, configuration.maximumWaitingCalls) = (true, 1)
        let channel = try await rig.connect(.pickFirst, configuration)
        let deadline = Deadline.after(.seconds(5), clock: rig.clock)
        let late = Task { try await channel.call(ChannelRig.who, "", deadline: deadline) }
        await rig.clock.waitForSleepers()
        let refusal = await #expect(throws: TransportError.self) { try await who(channel, waits: true) }
        #expect(refusal?.code == .resourceExhausted && refusal?.processing == .notProcessed)
        #expect(refusal?.message.contains("maximumWaitingCalls") == true)
        rig.clock.advance(by: .seconds(5))
        let error = await #expect(throws: TransportError.self) { try await late.value }
        #expect(error?.code == .deadlineExceeded && error?.processing == .notProcessed)
        await rig.end()
    }

    @Test func aWaitingCallCanBeCancelled() async throws {
        var configuration = ChannelConfiguration()
        configuration.connectsLazily = true
        let channel = try await rig.connect(.pickFirst, configuration)
        let deadline = Deadline.after(.seconds(5), clock: rig.clock)
        let task = Task { try await channel.call(ChannelRig.who, "", deadline: deadline) }
        await rig.clock.waitForSleepers()
        task.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled && error?.processing == .notProcessed)
        await rig.end()
    }

    @Test func aLazyReconnectingConnectionWaitsForAPeerThatIsNotThereYet() async throws {
        let (events, endpoint) = (rig.events, try ChannelRig.endpoint("late"))
        let transport = rig.client.reconnecting(
            .betweenNodes, connectsLazily: true, observer: { events.append($0) }, clock: rig.clock)
        let peer = try await transport.connect(to: endpoint)
        await events.wait(for: .connectFailed)
        async let answer = who(peer, waits: true)
        try await rig.serve("late")
        let time = rig.passTime()
        #expect(try await answer == "late")
        time.cancel()
        await rig.end()
    }

    @Test func aReconnectingConnectionSurvivesItsPeer() async throws {
        try await rig.serve("a")
        let (events, endpoint) = (rig.events, try ChannelRig.endpoint("a"))
        let transport = rig.client.reconnecting(.betweenNodes, observer: { events.append($0) }, clock: rig.clock)
        let peer = try await transport.connect(to: endpoint)
        var updates = peer.stateUpdates().makeAsyncIterator()
        #expect(await updates.next()?.isReady == true)
        rig.network.disconnect(endpoint)
        #expect(try await who(peer) == "a", "what is back at once is not missed")
        await events.wait(for: .connected, count: 2)
        // A connection that had lasted is replaced without delay.
        rig.clock.advance(by: .seconds(1))
        rig.network.vanish(endpoint)
        await events.wait(for: .connectFailed)
        try await rig.serve("a")
        async let answer = who(peer, waits: true)
        let time = rig.passTime()
        #expect(try await answer == "a")
        time.cancel()
        #expect(await updates.next()?.isReady == false)
        await peer.close()
        #expect(peer.state.isClosed)
        let late = await #expect(throws: TransportError.self) { try await who(peer, waits: true) }
        #expect(late?.code == .unavailable && late?.processing == .notProcessed)
        await rig.end()
    }
}
