import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("Hedged calls over a channel", .timeLimit(.minutes(5)))
struct HedgedPeersTests {
    /// What lies between the hedging layer and the channel.
    enum Between: String, CaseIterable { case nothing, retries, interceptor, breaker }

    private struct Passing: ClientInterceptor {}

    private let rig = ChannelRig()
    /// What copies wait for; the channel has timers of its own.
    private let clock = VirtualClock()
    private let names = ["a", "b", "c"]

    private func wrap(_ channels: any Transport, _ between: Between) -> any Transport {
        switch between {
        case .nothing: channels
        case .retries: channels.retrying(clock: rig.clock)
        case .interceptor: channels.intercepted(client: [Passing()])
        case .breaker: channels.breaking(clock: rig.clock)
        }
    }

    /// A connection with three copies of each late call, and a key whose calls go to one peer, and which that is.
    private func hedged(_ between: Between = .nothing, copies: Int = 3) async throws
        -> (connection: any Connection, home: String)
    {
        for name in names { try await rig.serve(name) }
        rig.resolver.resolve(try rig.peers("a", "b", "c"))
        let channels = rig.balanced(.consistentHashing(loadFactor: 1_000))
        let connection = try await wrap(channels, between)
            .hedging(HedgingPolicy(copies: copies, delay: .milliseconds(100)), clock: clock)
            .connect(to: ChannelRig.endpoint("target")).routed { $0.key = "one peer's" }
        await rig.events.wait(for: .connected, count: 3)
        return (connection, try await connection.call(ChannelRig.who, ""))
    }

    @Test(arguments: Between.allCases)
    func aCopyGoesToAnotherPeerThanTheOneThatIsLate(_ between: Between) async throws {
        let (connection, home) = try await hedged(between, copies: 2)
        rig.hanging.withLock { $0 = [home] }
        for round in 1...3 {
            async let answer = connection.call(ChannelRig.who, "")
            // Only then it is known which peer is late.
            await rig.held.wait(count: round)
            await clock.waitForSleepers()
            clock.advance(by: .milliseconds(100))
            #expect(try await answer != home)
        }
        await rig.end()
    }

    @Test func eachCopyGoesToAPeerOfItsOwn() async throws {
        let (connection, home) = try await hedged()
        let second = try await connection.routed { $0.avoided = [(try? ChannelRig.endpoint(home))].compactMap { $0 } }
            .call(ChannelRig.who, "")
        rig.hanging.withLock { $0 = [home, second] }
        async let answer = connection.call(ChannelRig.who, "")
        for late in 1...2 {
            await rig.held.wait(count: late)
            await clock.waitForSleepers()
            clock.advance(by: .milliseconds(100))
        }
        #expect(try await [home, second, answer].sorted() == names)
        await rig.end()
    }

    /// The key's peer is late; of the others one fails, and its call is retried at the one that is left.
    @Test func aRetriedCopyAvoidsThePeerThatIsLate() async throws {
        let (connection, home) = try await hedged(.retries, copies: 2)
        let second = try await connection.routed { $0.avoided = [(try? ChannelRig.endpoint(home))].compactMap { $0 } }
            .call(ChannelRig.who, "")
        rig.hanging.withLock { $0 = [home] }
        rig.failing.withLock { $0 = [second: .unavailable] }
        async let answer = connection.call(ChannelRig.who, "")
        await rig.held.wait(count: 1)
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(100))
        let time = rig.passTime()
        #expect(try await [home, second, answer].sorted() == names)
        time.cancel()
        await rig.end()
    }

    @Test func whereNobodyElseIsTheCopyGoesToTheSamePeer() async throws {
        try await rig.serve("a")
        rig.resolver.resolve(try rig.peers("a"))
        let watched = WatchedTransport(rig.client)
        let connection = try await rig.balanced(.leastRequest, over: watched)
            .hedging(HedgingPolicy(copies: 2, delay: .milliseconds(100)), clock: clock)
            .connect(to: ChannelRig.endpoint("target"))
        rig.hanging.withLock { $0 = ["a"] }
        async let answer = connection.call(ChannelRig.who, "")
        await rig.held.wait(count: 1)
        await clock.waitForSleepers()
        rig.hanging.withLock { $0 = [] }
        clock.advance(by: .milliseconds(100))
        #expect(try await answer == "a")
        await rig.end()
    }
}
