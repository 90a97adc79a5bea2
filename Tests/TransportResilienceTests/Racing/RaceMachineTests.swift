import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

@Suite("A race has one winner or says why none")
struct RaceMachineTests {
    private func error(_ code: StatusCode, _ text: String = "no") -> TransportError { TransportError(code, text) }

    @Test func `The other begins after the head start, once`() {
        var race = RaceMachine(leader: .first)
        #expect(race.headStartOver() == true)
        #expect(race.headStartOver() == false)
        #expect(race.connected(.second) == true)
        #expect(race.connected(.first) == false)
    }

    @Test func `The other begins at once when the leader fails, whoever leads`() {
        for leader in [RacedWire.first, .second] {
            var race = RaceMachine(leader: leader)
            guard case .beginOther = race.failed(leader, error(.unavailable)) else {
                Issue.record("the other did not begin")
                continue
            }
            #expect(race.headStartOver() == false)
            #expect(race.connected(leader.other) == true)
        }
    }

    @Test func `When both fail, the error has both reasons in their places`() throws {
        var race = RaceMachine(leader: .second)
        _ = race.failed(.second, error(.unavailable, "tcp"))
        guard case .lost(let both) = race.failed(.first, error(.deadlineExceeded, "quic")) else {
            Issue.record("the race goes on")
            return
        }
        #expect(both.code == .unavailable && both.processing == .notProcessed)
        let failure = try #require(both.cause as? RaceFailure)
        #expect(failure.first.message == "quic" && failure.second.message == "tcp")
        #expect("\(both)".contains("quic") && "\(both)".contains("tcp"))
        #expect(
            RaceFailure(first: error(.failedPrecondition), second: error(.failedPrecondition)).error.code
                == .failedPrecondition)
    }

    @Test func `A refused identity ends the race, whatever the other does`() {
        for refused in [RacedWire.first, .second] {
            var race = RaceMachine(leader: .first)
            _ = race.headStartOver()
            guard case .lost(let error) = race.failed(refused, error(.unauthenticated)) else {
                Issue.record("the race goes on")
                continue
            }
            #expect(error.code == .unauthenticated)
            #expect(race.connected(refused.other) == false)
        }
    }

    /// What each wire would do, played against the machine and against the rules written down a second time.
    @Test func `In any order of events, the earliest to be ready wins`() {
        enum Fate { case connects(Int), fails(Int), refuses(Int), never }
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let fates = (0..<2).map { _ -> Fate in
                // Odd for one wire and even for the other below: no two events at the same time.
                let time = Int.random(in: 0..<50, using: &random)
                return [.connects(time), .fails(time), .refuses(time), .never].randomElement(using: &random) ?? .never
            }
            let headStart = Int.random(in: 0..<60, using: &random) * 4 + 2
            let leader = Bool.random(using: &random) ? RacedWire.first : .second

            var machine = RaceMachine(leader: leader)
            var events: [(time: Int, wire: RacedWire?, fate: Fate)] = [(headStart, nil, .never)]
            func begin(_ wire: RacedWire, at time: Int) {
                let fate = fates[wire == .first ? 0 : 1]
                // Distinct remainders by 4: leader 0, other 1 or 3, head start 2.
                let offset = wire == leader ? 0 : 1
                switch fate {
                case .connects(let delay), .fails(let delay), .refuses(let delay):
                    events.append((time / 4 * 4 + delay * 4 + 4 + offset, wire, fate))
                case .never: break
                }
            }
            begin(leader, at: 0)
            var result: String?
            while let next = events.min(by: { $0.time < $1.time }) {
                events.removeAll { $0.time == next.time }
                guard let wire = next.wire else {
                    if machine.headStartOver() { begin(leader.other, at: next.time) }
                    continue
                }
                switch next.fate {
                case .connects: if machine.connected(wire) { result = "\(wire)" }
                case .fails, .refuses:
                    var code = StatusCode.unavailable
                    if case .refuses = next.fate { code = .unauthenticated }
                    switch machine.failed(wire, error(code)) {
                    case .beginOther: begin(wire.other, at: next.time)
                    case .lost(let error): result = "\(error.code)"
                    case .wait, .ignore: break
                    }
                case .never: break
                }
            }

            // The rules: when each would end, and the first end that settles it.
            func end(_ wire: RacedWire, _ start: Int) -> (time: Int, fate: Fate) {
                let fate = fates[wire == .first ? 0 : 1]
                switch fate {
                case .connects(let delay), .fails(let delay), .refuses(let delay):
                    return (start / 4 * 4 + delay * 4 + 4 + (wire == leader ? 0 : 1), fate)
                case .never: return (.max, fate)
                }
            }
            let leading = end(leader, 0)
            var start = headStart
            if case .fails = leading.fate { start = min(start, leading.time) }
            let following = end(leader.other, start)
            var expected: String?
            var failures = 0
            for (wire, ending) in [(leader, leading), (leader.other, following)].sorted(by: { $0.1.time < $1.1.time })
            where expected == nil {
                // The other never began when the leader had settled it before.
                switch ending.fate {
                case .connects: expected = "\(wire)"
                case .refuses: expected = "\(StatusCode.unauthenticated)"
                case .fails:
                    failures += 1
                    if failures == 2 { expected = "\(StatusCode.unavailable)" }
                case .never: break
                }
            }
            #expect(result == expected, "seed \(seed): \(fates), head start \(headStart), \(leader) leads")
        }
    }
}
