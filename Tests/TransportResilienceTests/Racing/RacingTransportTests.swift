import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("Two wires race, and the winner is remembered", .timeLimit(.minutes(5)))
struct RacingTransportTests {
    private static let headStart = Duration.milliseconds(250)

    /// Two scripted wires to a listener, on a virtual clock.
    private final class Rig: Sendable {
        /// What the race waits for passes on one clock, what the wires wait for on the other; both show the same.
        let clock: VirtualClock
        let wireClock: VirtualClock
        let events = Recording<ResilienceEvent>()
        let first: ScriptedWire
        let second: ScriptedWire
        let transport: RacingTransport
        let listener: any Listener

        init(_ first: ScriptedWire.Behaviour, _ second: ScriptedWire.Behaviour) async throws {
            clock = VirtualClock()
            wireClock = VirtualClock(now: clock.now)
            let network = InMemoryNetwork()
            self.first = ScriptedWire(first, clock: wireClock, network: network)
            self.second = ScriptedWire(second, clock: wireClock, network: network)
            listener = try await InMemoryTransport(network: network).listen(on: "memory://peer", services: [])
            var configuration = RacingConfiguration()
            configuration.probeBackoff = Backoff(
                initialDelay: .seconds(300), multiplier: 2, maximumDelay: .seconds(600), jitter: .none)
            transport = self.first.racing(
                against: self.second, headStart: RacingTransportTests.headStart, configuration: configuration,
                observer: { [events] in events.append($0) }, clock: clock)
        }

        /// Connects, and lets as much time pass as that takes.
        func connect() async throws -> Duration {
            let start = clock.now
            let isDone = Mutex(false)
            async let connection = {
                defer { isDone.withLock { $0 = true } }
                return try await self.transport.connect(to: self.listener.endpoint)
            }()
            while !isDone.withLock({ $0 }) {
                // Each step only once all who will wait do: the wires, and the head start until it is over.
                let underWay = first.attemptsUnderWay + second.attemptsUnderWay
                let headStartEnd = start.advanced(by: RacingTransportTests.headStart)
                if underWay > 0, first.attemptsAsleep + second.attemptsAsleep == underWay,
                    wireClock.sleeperCount == underWay,
                    clock.now >= headStartEnd || clock.nextWakeUp == headStartEnd,
                    // Asked last: before all of them sleep, the next to wake is another.
                    let next = [wireClock.nextWakeUp, clock.nextWakeUp].compactMap({ $0 }).min(),
                    next <= clock.now.advanced(by: .seconds(10))
                {
                    pass(next)
                }
                await Task.yield()
            }
            await (try connection).close(within: .zero)
            return start.duration(to: clock.now)
        }

        /// Moves the time on to `instant`.
        func pass(_ instant: ContinuousClock.Instant) {
            wireClock.advance(to: instant)
            clock.advance(to: instant)
        }

        func pass(_ duration: Duration) { pass(clock.now.advanced(by: duration)) }
    }

    @Test func `The first wire alone is used where it is fast enough`() async throws {
        let rig = try await Rig(.connects(after: .milliseconds(200)), .connects(after: .zero))
        for _ in 0..<3 { #expect(try await rig.connect() == .milliseconds(200)) }
        #expect(rig.first.attempts == 3 && rig.second.attempts == 0)
        #expect(rig.events.kinds == [.raceWon])
    }

    @Test func `A first wire without an answer costs the head start once`() async throws {
        let rig = try await Rig(.silent, .connects(after: .milliseconds(20)))
        #expect(try await rig.connect() == .milliseconds(270))
        for _ in 0..<5 { #expect(try await rig.connect() == .milliseconds(20)) }
        #expect(rig.first.attempts == 1 && rig.first.attemptsUnderWay == 0)
        #expect(rig.events.kinds == [.raceWon, .udpBlocked])
        let blocked = try #require(rig.events.all.first { $0.kind == .udpBlocked }?.detail)
        #expect(blocked.contains("within 250 ms") && blocked.contains("drop UDP") && blocked.hasSuffix("in 300 s"))
        await rig.transport.shutdown()
    }

    @Test func `A first wire that fails costs nothing, and is not called blocked`() async throws {
        let rig = try await Rig(.fails(after: .milliseconds(1), .unavailable), .connects(after: .milliseconds(20)))
        #expect(try await rig.connect() == .milliseconds(21))
        #expect(try await rig.connect() == .milliseconds(20))
        #expect(rig.events.kinds == [.raceWon])
        await rig.transport.shutdown()
    }

    @Test func `A blocked wire is tried again in the background, and used once it works`() async throws {
        let rig = try await Rig(.silent, .connects(after: .milliseconds(20)))
        _ = try await rig.connect()
        // After 300 s, with 10 s to answer; then after 600 s more.
        for (delay, attempts) in [(300, 2), (600, 3)] {
            await rig.clock.waitForSleepers()
            rig.pass(.seconds(delay))
            // The attempt, and what limits its time.
            await rig.wireClock.waitForSleepers()
            await rig.clock.waitForSleepers()
            #expect(rig.first.attempts == attempts)
            rig.pass(.seconds(10))
            await rig.first.ends.wait(count: attempts)
        }
        #expect(rig.events.kinds == [.raceWon, .udpBlocked])
        rig.first.set(.connects(after: .zero))
        await rig.clock.waitForSleepers()
        rig.pass(.seconds(600))
        await rig.events.wait(for: .udpUnblocked)
        #expect(try await rig.connect() == .zero)
        #expect(rig.first.attempts == 5 && rig.second.attempts == 1)
        #expect(rig.clock.sleeperCount == 0)
    }

    @Test func `When the winner fails later, the other takes over at once`() async throws {
        let rig = try await Rig(.silent, .connects(after: .zero))
        _ = try await rig.connect()
        rig.second.set(.fails(after: .milliseconds(5), .unavailable))
        rig.first.set(.connects(after: .milliseconds(5)))
        #expect(try await rig.connect() == .milliseconds(10))
        #expect(rig.events.kinds == [.raceWon, .udpBlocked, .raceWon, .udpUnblocked])
    }

    @Test func `After a change of the network the race begins anew`() async throws {
        let rig = try await Rig(.silent, .connects(after: .zero))
        _ = try await rig.connect()
        rig.transport.forget()
        rig.first.set(.connects(after: .milliseconds(100)))
        #expect(try await rig.connect() == .milliseconds(100))
        #expect(rig.second.attempts == 1)
        await rig.transport.shutdown()
    }

    @Test func `A refused identity is not hidden by the other wire`() async throws {
        let rig = try await Rig(.fails(after: .milliseconds(1), .unauthenticated), .connects(after: .zero))
        await #expect { try await rig.connect() } throws: { ($0 as? TransportError)?.code == .unauthenticated }
        #expect(rig.second.attempts == 0)
        // By the second as well, while the first is silent.
        rig.first.set(.silent)
        rig.second.set(.fails(after: .milliseconds(1), .unauthenticated))
        await #expect { try await rig.connect() } throws: { ($0 as? TransportError)?.code == .unauthenticated }
        #expect(rig.first.attemptsUnderWay == 0 && rig.events.kinds.isEmpty)
    }

    @Test func `A wire without identities is refused where they are required`() async throws {
        let network = InMemoryNetwork()
        let listener = try await InMemoryTransport(network: network).listen(on: "memory://peer", services: [])
        var configuration = RacingConfiguration()
        configuration.requiresIdentity = true
        let transport = InMemoryTransport(network: network).racing(
            against: InMemoryTransport(network: network), configuration: configuration)
        await #expect { try await transport.connect(to: listener.endpoint) } throws: {
            ($0 as? TransportError)?.code == .unauthenticated
        }
        await listener.shutdown(within: .zero)
    }

    @Test func `When both fail, the error has both reasons`() async throws {
        let rig = try await Rig(
            .fails(after: .milliseconds(400), .deadlineExceeded), .fails(after: .milliseconds(1), .unavailable))
        await #expect { try await rig.connect() } throws: { error in
            guard let failure = (error as? TransportError)?.cause as? RaceFailure else { return false }
            return failure.first.code == .deadlineExceeded && failure.second.code == .unavailable
                && (error as? TransportError)?.endpoint == rig.listener.endpoint
        }
    }

    @Test func `Who is cancelled leaves no attempt behind`() async throws {
        let rig = try await Rig(.silent, .silent)
        let caller = Task { try await rig.transport.connect(to: rig.listener.endpoint) }
        await rig.clock.waitForSleepers()
        await rig.wireClock.waitForSleepers()
        rig.pass(Self.headStart)
        await rig.wireClock.waitForSleepers(2)
        caller.cancel()
        await #expect { try await caller.value } throws: { ($0 as? TransportError)?.code == .cancelled }
        #expect(
            rig.first.attemptsUnderWay + rig.second.attemptsUnderWay == 0
                && rig.clock.sleeperCount + rig.wireClock.sleeperCount == 0)
        #expect(rig.events.kinds.isEmpty)
    }

    @Test func `It listens by the wire whose endpoint it is`() async throws {
        let network = InMemoryNetwork()
        let transport = InMemoryTransport(network: network).racing(
            against: InMemoryTransport(network: network),
            endpoints: { RacedEndpoints(first: $0, second: $0.withScheme(.grpc)) })
        let listener = try await transport.listen(on: "memory://a", services: [])
        #expect(listener.endpoint.scheme == .memory)
        #expect(
            try RacedEndpoints.quicAndGRPC(Endpoint(parsing: "grpc://a:1@10.0.0.1"))
                == RacedEndpoints(
                    first: Endpoint(parsing: "quic://a:1@10.0.0.1"), second: Endpoint(parsing: "grpc://a:1@10.0.0.1")))
        await transport.shutdown()
        await #expect { try await transport.connect(to: "memory://a") } throws: {
            ($0 as? TransportError)?.code == .failedPrecondition
        }
    }
}
