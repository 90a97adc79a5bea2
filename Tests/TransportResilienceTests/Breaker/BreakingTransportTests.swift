import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("A transport with circuit breakers", .timeLimit(.minutes(5)))
struct BreakingTransportTests {
    private let clock = VirtualClock()
    private let events = Recording<ResilienceEvent>()
    private let lines = Recording<String>()

    private func breakers() -> CircuitBreakers {
        CircuitBreakers(logger: lines.logger, clock: clock, onEvent: { [events] in events.append($0) })
    }

    private func fail(_ connection: any Connection, _ count: Int) async {
        for _ in 0..<count {
            await #expect(throws: TransportError.self) { try await connection.call(FlakyPeer.read, "x") }
        }
    }

    @Test func anOpenBreakerRefusesAndSaysForHowLong() async throws {
        let breakers = breakers()
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 5), clock: clock) { $0.breaking(breakers) }
        await fail(rig.connection, 5)
        clock.advance(by: .seconds(12))
        let error = await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
        #expect(error?.code == .unavailable)
        #expect(error?.processing == .notProcessed)
        #expect(error?.origin == .local)
        #expect(error?.endpoint == rig.endpoint)
        #expect(error?.message == "the circuit breaker refuses calls for another 18 s")
        #expect((error?.cause as? TransportError)?.message == "down")
        #expect(rig.peer.callCount == 5)
        await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.count, "1") }
        await #expect(throws: TransportError.self) { try await rig.transport.connect(to: rig.endpoint) }
        clock.advance(by: .seconds(18))
        #expect(try await rig.connection.call(FlakyPeer.read, "back") == "back")
        #expect(breakers.states == [rig.endpoint: .closed])
        #expect(events.all.map(\.kind) == [.breakerOpened, .breakerHalfOpened, .breakerClosed])
        #expect(
            lines.all == [
                "notice breaker_opened memory://flaky for 30 s: 5 failures in a row: unavailable: down (memory://flaky)",
                "info breaker_half_opened memory://flaky the next call decides",
                "info breaker_closed memory://flaky the probe ended well",
            ])
    }

    @Test func connectionsToOnePeerShareABreaker() async throws {
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 9), clock: clock) { $0.breaking(breakers()) }
        let second = try await rig.transport.connect(to: rig.endpoint)
        await fail(rig.connection, 3)
        await fail(second, 9)
        #expect(rig.peer.callCount == 5)
    }

    @Test func failedConnectsCountAndSucceedingOnesDoNot() async throws {
        let breakers = breakers()
        let transport = InMemoryTransport(clock: clock).breaking(breakers)
        let endpoint = try Endpoint(parsing: "memory://late")
        for _ in 0..<5 {
            let error = await #expect(throws: TransportError.self) { try await transport.connect(to: endpoint) }
            #expect(error?.origin == .library)
        }
        let listener = try await transport.listen(on: endpoint, services: [FlakyPeer([.fail(.down)])])
        let refused = await #expect(throws: TransportError.self) { try await transport.connect(to: endpoint) }
        #expect(refused?.origin == .local)
        clock.advance(by: .seconds(30))
        let connection = try await transport.connect(to: endpoint)
        #expect(breakers.breaker(for: endpoint).state == .halfOpen, "that it could connect says nothing about calls")
        await fail(connection, 1)
        guard case .open = breakers.breaker(for: endpoint).state else {
            Issue.record("the first call was the probe, and it failed")
            return
        }
        await listener.shutdown(within: .zero)
    }

    /// The default is for a wire alone; beneath a channel, which has delays of its own, attempts to connect do not count.
    @Test func beneathAChannelAttemptsToConnectDoNotCount() async throws {
        let endpoint = try Endpoint(parsing: "memory://late")
        let policy = BreakerPolicy(isFailure: ResilienceProfile.isFailureOfCall)
        let breakers = CircuitBreakers(policy, clock: clock, onEvent: { [events] in events.append($0) })
        let transport = InMemoryTransport(clock: clock).breaking(breakers)
        for _ in 0..<50 {
            let error = await #expect(throws: TransportError.self) { try await transport.connect(to: endpoint) }
            #expect(error?.origin == .library)
        }
        let script = Array(repeating: FlakyPeer.Turn.fail(.down), count: 5)
        let listener = try await transport.listen(on: endpoint, services: [FlakyPeer(script)])
        let connection = try await transport.connect(to: endpoint)
        #expect(events.all.isEmpty)
        await fail(connection, 5)
        #expect(events.kinds == [.breakerOpened], "calls that fail there do count")
        await listener.shutdown(within: .zero)
    }

    @Test("By default refusals count that the peer has not seen, for a channel's breaker they do not")
    func refusals() async throws {
        for isChannels in [false, true] {
            let policy = isChannels ? BreakerPolicy(isFailure: ResilienceProfile.isFailureOfCall) : .default
            let breakers = CircuitBreakers(policy, clock: clock)
            let connections = try await FlakyRig(clock: clock) {
                $0.intercepted(client: [Faults(Array(repeating: .refused, count: 9))]).breaking(breakers)
            }
            await fail(connections.connection, 9)
            #expect((breakers.states == [connections.endpoint: .closed]) == isChannels)
        }
    }

    @Test func aCancelledCallCountsForNothing() async throws {
        let breakers = breakers()
        let rig = try await FlakyRig(Array(repeating: .hang, count: 9), clock: clock) { $0.breaking(breakers) }
        for number in 1...9 {
            let task = Task { [connection = rig.connection] in try await connection.call(FlakyPeer.read, "x") }
            await rig.peer.previousAttempts.wait(count: number)
            task.cancel()
            await #expect(throws: TransportError.self) { try await task.value }
        }
        #expect(breakers.states == [rig.endpoint: .closed])
    }

    @Test func aPeerThatAnswersIsAlive() async throws {
        let breakers = breakers()
        let answer = TransportError(.invalidArgument, "no")
        let rig = try await FlakyRig(Array(repeating: .fail(answer), count: 99), clock: clock) { $0.breaking(breakers) }
        await fail(rig.connection, 99)
        #expect(breakers.states == [rig.endpoint: .closed])
    }

    @Test func streamsCountByTheirEnd() async throws {
        let breakers = breakers()
        let rig = try await FlakyRig(Array(repeating: .failAfter(1, .down), count: 5), clock: clock) {
            $0.breaking(breakers)
        }
        for number in 1...5 {
            #expect(breakers.states == [rig.endpoint: .closed])
            let stream = try await rig.connection.call(FlakyPeer.count, "3")
            #expect(try await stream.next() == "0", "stream \(number)")
            await #expect(throws: TransportError.self) { try await stream.next() }
            await #expect(throws: TransportError.self) { try await stream.next() }
        }
        #expect(breakers.states == [rig.endpoint: .open(until: clock.now.advanced(by: .seconds(30)))])
    }

    @Test func aStreamThatIsTheProbeClosesWithItsFirstMessage() async throws {
        let breakers = breakers()
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 5), clock: clock) { $0.breaking(breakers) }
        await fail(rig.connection, 5)
        clock.advance(by: .seconds(30))
        let stream = try await rig.connection.call(FlakyPeer.count, "3")
        #expect(breakers.states == [rig.endpoint: .halfOpen])
        _ = try await stream.next()
        #expect(breakers.states == [rig.endpoint: .closed])
        stream.cancel()
    }

    @Test func aProbeThatIsLetGoOfMakesRoomForAnother() async throws {
        let breakers = breakers()
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 5), clock: clock) { $0.breaking(breakers) }
        await fail(rig.connection, 5)
        clock.advance(by: .seconds(30))
        for isCancelled in [true, false] {
            let call = try await rig.connection.call(FlakyPeer.join)
            await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
            if isCancelled { call.cancel() }
        }
        #expect(try await rig.connection.call(FlakyPeer.read, "x") == "x")
        #expect(breakers.states == [rig.endpoint: .closed])
    }

    @Test func anyClosureCanBeRunBehindABreaker() async throws {
        let breaker = breakers().breaker(for: try Endpoint(parsing: "memory://peer"))
        #expect(try await breaker.run { 7 } == 7)
        for _ in 0..<5 {
            await #expect(throws: TransportError.self) { try await breaker.run { throw TransportError.down } }
        }
        let error = await #expect(throws: TransportError.self) { try await breaker.run { 7 } }
        #expect(error?.processing == .notProcessed)
    }

    @Test func retriesDoNotReachAPeerWhoseBreakerIsOpen() async throws {
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 99), clock: clock) {
            $0.breaking(breakers()).retrying(
                RetryPolicy(attempts: Attempts(retries: 20), backoff: .constant(.zero)), budgets: nil, clock: clock)
        }
        await fail(rig.connection, 1)
        #expect(rig.peer.callCount == 5)
    }
}
