import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

@Suite("Winners are remembered, and losers tried again")
struct RaceMemoryTests {
    private let start = ContinuousClock.now
    private let configuration: RacingConfiguration = {
        var configuration = RacingConfiguration()
        configuration.probeBackoff = Backoff(
            initialDelay: .seconds(300), multiplier: 2, maximumDelay: .seconds(1_200), jitter: .none)
        configuration.maximumPeers = 20
        return configuration
    }()

    private func endpoint(_ number: Int = 0) throws -> Endpoint { try Endpoint(parsing: "memory://peer-\(number)") }

    /// A race that the second wire is about to win.
    private func silentFirst() -> RaceMachine {
        var race = RaceMachine(leader: .first)
        _ = race.headStartOver()
        return race
    }

    @Test func `No answer counts as blocked and is said once, a failure does not`() throws {
        var memory = RaceMemory(configuration)
        let peer = try endpoint()
        #expect(memory.leader(for: peer) == .first)
        #expect(
            memory.won(peer, .second, silentFirst(), now: start, chance: 0)
                == [.won(.second), .blocked(nextProbe: .seconds(300))])
        #expect(memory.won(peer, .second, silentFirst(), now: start, chance: 0) == [])
        #expect(memory.leader(for: peer) == .second)

        var failed = RaceMachine(leader: .first)
        _ = failed.failed(.first, TransportError(.unavailable, "refused"))
        let other = try endpoint(1)
        #expect(memory.won(other, .second, failed, now: start, chance: 0) == [.won(.second)])
        // It answers no longer either.
        #expect(
            memory.won(other, .second, silentFirst(), now: start, chance: 0) == [.blocked(nextProbe: .seconds(300))])
    }

    @Test func `Trials come less and less often, until one works`() throws {
        var memory = RaceMemory(configuration)
        let peer = try endpoint()
        _ = memory.won(peer, .second, silentFirst(), now: start, chance: 0)
        var now = start
        for delay in [300, 600, 1_200, 1_200] {
            #expect(memory.takeProbe(now: now) == nil)
            now = now.advanced(by: .seconds(delay))
            #expect(memory.nextProbe == now)
            #expect(memory.takeProbe(now: now) == peer)
            // One at a time.
            #expect(memory.takeProbe(now: now) == nil && memory.nextProbe == nil)
            #expect(memory.probed(peer, works: false, now: now, chance: 0) == [])
        }
        #expect(memory.leader(for: peer) == .second)
        now = now.advanced(by: .seconds(1_200))
        #expect(memory.takeProbe(now: now) == peer)
        #expect(memory.probed(peer, works: true, now: now, chance: 0) == [.won(.first), .unblocked])
        #expect(memory.leader(for: peer) == .first && memory.nextProbe == nil)
    }

    @Test func `What was forgotten during a trial stays forgotten`() throws {
        var memory = RaceMemory(configuration)
        let peer = try endpoint()
        _ = memory.won(peer, .second, silentFirst(), now: start, chance: 0)
        #expect(memory.takeProbe(now: start.advanced(by: .seconds(300))) == peer)
        memory.forget(nil)
        #expect(memory.probed(peer, works: true, now: start, chance: 0) == [])
        #expect(memory.count == 0 && memory.leader(for: peer) == .first)
    }

    @Test func `The table is bounded, and keeps the peers in use`() throws {
        var memory = RaceMemory(configuration)
        for number in 0..<200 {
            _ = memory.won(try endpoint(number), .second, silentFirst(), now: start, chance: 0)
            _ = memory.leader(for: try endpoint(0))
            #expect(memory.count <= 20)
        }
        #expect(memory.leader(for: try endpoint(0)) == .second)
        #expect(memory.leader(for: try endpoint(1)) == .first)
    }

    @Test func `Whatever happens, no trial is due for a winner, and events alternate`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var memory = RaceMemory(configuration)
            var now = start
            var isBlocked: Set<Endpoint> = []
            for _ in 0..<100 {
                let peer = try endpoint(Int.random(in: 0..<30, using: &random))
                var changes: [RaceMemory.Change] = []
                var about = peer
                switch Int.random(in: 0..<5, using: &random) {
                case 0: changes = memory.won(peer, .first, RaceMachine(leader: .second), now: now, chance: 0)
                case 1, 2: changes = memory.won(peer, .second, silentFirst(), now: now, chance: 0)
                case 3:
                    if let due = memory.takeProbe(now: now) {
                        about = due
                        changes = memory.probed(due, works: .random(using: &random), now: now, chance: 0)
                    }
                default: now = now.advanced(by: .seconds(Int.random(in: 0..<500, using: &random)))
                }
                for change in changes {
                    switch change {
                    case .blocked: isBlocked.insert(about)
                    case .unblocked:
                        let wasBlocked = isBlocked.remove(about) != nil
                        #expect(wasBlocked, "seed \(seed)")
                    case .won: break
                    }
                }
                #expect(memory.count <= 20, "seed \(seed)")
                if let next = memory.nextProbe { #expect(next <= now.advanced(by: .seconds(1_200)), "seed \(seed)") }
            }
        }
    }
}
