import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("The time of one attempt", .timeLimit(.minutes(5)))
struct AttemptTimeTests {
    /// Calls' deadlines pass on the system's clock, so far away that no machine is that slow.
    private static let timeout = Duration.seconds(1_000)

    private let rig = ChannelRig()
    /// What retries wait for; it shows what the rig's does.
    private let retryClock: VirtualClock

    init() { retryClock = VirtualClock(now: rig.clock.now) }

    /// Over a channel that is still connecting.
    private func connection(_ faults: Faults) async throws -> any Connection {
        var policy = RetryPolicy(backoff: .constant(.milliseconds(250)))
        policy.perAttemptTimeout = Self.timeout
        var configuration = ChannelConfiguration()
        configuration.connectsLazily = true
        configuration.backoff = .constant(.seconds(1))
        return try await rig.balanced(.pickFirst, configuration, over: rig.client.intercepted(client: [faults]))
            .retrying(policy, clock: retryClock)
            .connect(to: ChannelRig.endpoint("target")).routed { $0.waitsForReady = true }
    }

    @Test func waitingForAPeerDoesNotCount() async throws {
        let faults = Faults()
        let connection = try await connection(faults)
        rig.resolver.resolve(try rig.peers("late"))
        await rig.events.wait(for: .connectFailed)
        // So far away that it is not reached while time passes here and others have no processor.
        let deadline = Deadline.after(.seconds(1_000_000_000), clock: rig.clock)
        async let answer = connection.call(ChannelRig.who, "", deadline: deadline)
        await rig.passingTime { await rig.events.wait(for: .connectFailed, count: 10) }
        let served = rig.clock.now
        try await rig.serve("late")
        let time = rig.passTime()
        #expect(try await answer == "late")
        time.cancel()
        let heads = faults.heads.all
        #expect(heads.count == 1, "it was not tried again while it waited")
        let own = try #require(heads.first?.deadline)
        #expect(own.instant >= served.advanced(by: Self.timeout), "it counts from when there is a peer")
        #expect(own < deadline)
        await rig.end()
    }

    @Test func eachAttemptHasItsOwnAndTheCallsDeadlineBoundsIt() async throws {
        let faults = Faults([.down, .down])
        let connection = try await connection(faults)
        try await rig.serve("a")
        rig.resolver.resolve(try rig.peers("a"))
        await rig.events.wait(for: .connected)
        let begun = rig.clock.now
        let deadline = Deadline.after(.milliseconds(1_000_300), clock: rig.clock)
        async let answer = connection.call(ChannelRig.who, "", deadline: deadline)
        for _ in 0..<2 {
            await retryClock.waitForSleepers()
            rig.clock.advance(by: .milliseconds(250))
            retryClock.advance(by: .milliseconds(250))
        }
        #expect(try await answer == "a")
        #expect(
            faults.heads.all.map { $0.deadline.map { begun.duration(to: $0.instant) } } == [
                Self.timeout, Self.timeout + .milliseconds(250), .milliseconds(1_000_300),
            ])
        await rig.end()
    }

    /// As in a race, or where a wrapper from elsewhere hides the channel.
    @Test func withoutAChannelItCountsFromTheBeginning() async throws {
        let (faults, clock) = (Faults(), rig.clock)
        try await rig.serve("a")
        var policy = RetryPolicy.default
        policy.perAttemptTimeout = Self.timeout
        let connection = try await rig.client.intercepted(client: [faults]).retrying(policy, clock: clock)
            .connect(to: ChannelRig.endpoint("a"))
        #expect(try await connection.call(ChannelRig.who, "") == "a")
        #expect(faults.heads.all.map { $0.deadline?.instant } == [clock.now.advanced(by: Self.timeout)])
        await rig.end()
    }
}
