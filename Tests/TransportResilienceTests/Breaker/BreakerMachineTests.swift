import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

@Suite("The breaker machine")
struct BreakerMachineTests {
    private static let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        Self.start.advanced(by: .milliseconds(milliseconds))
    }

    /// A machine on which calls begin and end at once.
    private struct Rig {
        var machine: BreakerMachine
        var changes: [BreakerMachine.Change] = []

        init(_ policy: BreakerPolicy = .default) { machine = BreakerMachine(policy, now: BreakerMachineTests.start) }

        mutating func begin(_ now: ContinuousClock.Instant) -> BreakerMachine.Ticket? {
            let (admission, change) = machine.admit(now: now)
            if let change { changes.append(change) }
            if case .admitted(let ticket) = admission { return ticket }
            return nil
        }

        mutating func begun(_ now: ContinuousClock.Instant) throws -> BreakerMachine.Ticket {
            let ticket = begin(now)
            return try #require(ticket)
        }

        mutating func passes(_ now: ContinuousClock.Instant) -> Bool { begin(now) != nil }

        mutating func end(_ ticket: BreakerMachine.Ticket, _ verdict: BreakerVerdict, _ now: ContinuousClock.Instant) {
            if let change = machine.ended(ticket, verdict, now: now) { changes.append(change) }
        }

        /// Whether the call was let pass.
        @discardableResult
        mutating func call(_ verdict: BreakerVerdict, _ now: ContinuousClock.Instant) -> Bool {
            guard let ticket = begin(now) else { return false }
            end(ticket, verdict, now)
            return true
        }
    }

    @Test func fiveFailuresInARowOpenIt() {
        var rig = Rig()
        for _ in 0..<4 { rig.call(.failure, at(0)) }
        rig.call(.success, at(0))
        for _ in 0..<4 { rig.call(.failure, at(0)) }
        #expect(rig.machine.isClosed)
        rig.call(.failure, at(0))
        #expect(rig.changes == [.opened(for: .seconds(30), "5 failures in a row")])
        #expect(rig.passes(at(29_999)) == false)
        #expect(rig.machine.publicState == .open(until: at(30_000)))
        guard case .refused(let remaining) = rig.machine.admit(now: at(10_000)).0 else {
            Issue.record("an open breaker lets a call pass")
            return
        }
        #expect(remaining == .seconds(20))
    }

    @Test func halfOfTwentyCallsOpenIt() {
        var rig = Rig()
        for _ in 0..<9 {
            rig.call(.success, at(0))
            rig.call(.failure, at(0))
        }
        rig.call(.success, at(0))
        #expect(rig.machine.isClosed)
        rig.call(.failure, at(0))
        #expect(rig.changes == [.opened(for: .seconds(30), "10 of 20 calls failed within 10 s")])
    }

    @Test func lessThanHalfDoesNot() {
        var rig = Rig()
        for _ in 0..<100 {
            rig.call(.success, at(0))
            rig.call(.failure, at(0))
            rig.call(.success, at(0))
        }
        #expect(rig.machine.isClosed)
    }

    @Test func whatIsOlderThanTheWindowIsForgotten() {
        var rig = Rig()
        for _ in 0..<9 {
            rig.call(.success, at(0))
            rig.call(.failure, at(0))
        }
        rig.call(.success, at(10_000))
        for _ in 0..<4 { rig.call(.failure, at(10_000)) }
        #expect(rig.machine.isClosed)
    }

    @Test func whatSaysNothingCountsForNothing() {
        var rig = Rig()
        for _ in 0..<4 { rig.call(.failure, at(0)) }
        for _ in 0..<100 { rig.call(.neither, at(0)) }
        #expect(rig.machine.isClosed)
        rig.call(.failure, at(0))
        #expect(!rig.machine.isClosed)
    }

    @Test func oneProbeDecides() throws {
        var rig = Rig()
        for _ in 0..<5 { rig.call(.failure, at(0)) }
        let probe = try rig.begun(at(30_000))
        #expect(probe.isProbe)
        #expect(rig.machine.publicState == .halfOpen)
        #expect(rig.passes(at(30_001)) == false, "there is one probe")
        rig.end(probe, .success, at(30_002))
        #expect(rig.machine.isClosed)
        #expect(rig.changes.dropFirst() == [.halfOpened, .closed])
        rig.end(probe, .failure, at(30_003))
        for _ in 0..<4 { rig.call(.failure, at(30_003)) }
        #expect(rig.machine.isClosed, "closed, it has forgotten what was before")
    }

    @Test func aProbeThatFailsOpensItForLonger() {
        var rig = Rig()
        for _ in 0..<5 { rig.call(.failure, at(0)) }
        var now = 0
        var times: [Duration] = [.seconds(30)]
        for _ in 0..<14 {
            guard case .open(let until) = rig.machine.publicState else { break }
            now = Int(Self.start.duration(to: until) / .milliseconds(1))
            rig.call(.failure, at(now))
            if case .opened(let time, "the probe failed") = rig.changes.last { times.append(time) }
        }
        #expect(times == (1...15).map { .seconds(min($0 * 30, 300)) })
    }

    @Test("An opening soon after the last counts on, a later one begins anew", arguments: [(59_999, 90), (60_000, 30)])
    func openingsInARow(closedFor: Int, seconds: Int) {
        var rig = Rig()
        for _ in 0..<5 { rig.call(.failure, at(0)) }
        rig.call(.failure, at(30_000))
        rig.call(.success, at(90_000))
        #expect(rig.machine.isClosed)
        for _ in 0..<5 { rig.call(.failure, at(90_000 + closedFor)) }
        #expect(rig.changes.last == .opened(for: .seconds(seconds), "5 failures in a row"))
    }

    @Test func aProbeThatSaysNothingIsFollowedByAnother() throws {
        var rig = Rig()
        for _ in 0..<5 { rig.call(.failure, at(0)) }
        let first = try rig.begun(at(30_000))
        rig.end(first, .neither, at(30_000))
        let second = try rig.begun(at(30_000))
        #expect(second.isProbe)
        rig.end(first, .success, at(30_000))
        #expect(!rig.machine.isClosed, "only the probe under way decides")
        rig.end(second, .success, at(30_000))
        #expect(rig.machine.isClosed)
    }

    @Test func aProbeThatNeverEndsCountsAsFailed() throws {
        var rig = Rig()
        for _ in 0..<5 { rig.call(.failure, at(0)) }
        let probe = try rig.begun(at(30_000))
        #expect(rig.passes(at(59_999)) == false)
        #expect(rig.passes(at(60_000)) == false)
        #expect(rig.changes.last == .opened(for: .seconds(60), "the probe has not ended within 30 s"))
        rig.end(probe, .success, at(60_001))
        #expect(!rig.machine.isClosed)
        #expect(rig.passes(at(120_000)) == true)
    }

    @Test func callsOfAnEarlierTimeCountNoMore() throws {
        var rig = Rig()
        let old = try (0..<20).map { _ in try rig.begun(at(0)) }
        for _ in 0..<5 { rig.call(.failure, at(0)) }
        rig.call(.success, at(30_000))
        for ticket in old { rig.end(ticket, .failure, at(30_000)) }
        #expect(rig.machine.isClosed)
    }

    @Test(arguments: [
        BreakerPolicy(
            consecutiveFailures: .min, failureRatio: .nan, minimumCalls: .min, window: .seconds(-1),
            openDuration: .seconds(-1), maximumOpenDuration: .seconds(-1)),
        BreakerPolicy(
            consecutiveFailures: .max, failureRatio: .infinity, minimumCalls: .max, window: .seconds(Int64.max),
            openDuration: .seconds(Int64.max), maximumOpenDuration: .seconds(Int64.max)),
    ])
    func everyPolicyIsBroughtIntoRange(_ policy: BreakerPolicy) {
        var rig = Rig(policy)
        for day in 0..<1_000 { rig.call(.failure, at(day * 86_400_000)) }
        #expect((1...1_000_000).contains(policy.consecutiveFailures) && (0.01...1).contains(policy.failureRatio))
        #expect(policy.maximumOpenDuration >= policy.openDuration)
    }

    // MARK: Chance

    /// The same rules over a plain list of what has happened.
    private struct Model {
        let policy: BreakerPolicy
        var outcomes: [(step: Int, isFailure: Bool)] = []
        /// Where the window's steps begin, in milliseconds.
        var windowStart = 0

        /// Whether the outcome opens a closed breaker.
        mutating func opens(isFailure: Bool, _ now: Int) -> Bool {
            let width = Int(policy.window / .milliseconds(1)) / 10
            let step = (now - windowStart) / width
            outcomes.append((step, isFailure))
            guard isFailure else { return false }
            let inARow = outcomes.reversed().prefix { $0.isFailure }.count
            let recent = outcomes.filter { $0.step > step - 10 }
            let failures = recent.count { $0.isFailure }
            return inARow >= policy.consecutiveFailures
                || (recent.count >= policy.minimumCalls
                    && Double(failures) >= policy.failureRatio * Double(recent.count))
        }
    }

    @Test(
        "It opens when a plain list says so, and at no other time; and there is never a second probe",
        arguments: 0..<200)
    func model(_ round: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let policy = BreakerPolicy(
            consecutiveFailures: .random(in: 1...8, using: &random),
            failureRatio: Double(Int.random(in: 1...10, using: &random)) / 10,
            minimumCalls: .random(in: 1...30, using: &random), window: .milliseconds(1_000),
            openDuration: .milliseconds(500), maximumOpenDuration: .milliseconds(2_000))
        let failRate = Int.random(in: 0...100, using: &random)
        var rig = Rig(policy)
        var model = Model(policy: policy)
        var (now, pending): (Int, [BreakerMachine.Ticket]) = (0, [])
        for _ in 0..<1_500 {
            now += [0, 1, 10, 30, 400][Int.random(in: 0..<5, using: &random)]
            if Int.random(in: 0..<500, using: &random) == 0 { now += 5_000 }
            let wasClosed = rig.machine.isClosed
            if pending.count < 20, Bool.random(using: &random) {
                guard let ticket = rig.begin(at(now)) else {
                    #expect(!wasClosed, "seed \(seed): a closed breaker refuses nothing")
                    continue
                }
                #expect(ticket.isProbe == !wasClosed, "seed \(seed)")
                let live = pending.filter { $0.isProbe && $0.epoch == rig.machine.epoch }
                #expect(live.isEmpty, "seed \(seed): a second probe")
                pending.append(ticket)
            } else if let index = pending.indices.randomElement(using: &random) {
                let ticket = pending.remove(at: index)
                let verdict: BreakerVerdict =
                    Int.random(in: 0..<100, using: &random) < failRate
                    ? .failure : Int.random(in: 0..<10, using: &random) == 0 ? .neither : .success
                let counts = ticket.epoch == rig.machine.epoch
                rig.end(ticket, verdict, at(now))
                if wasClosed {
                    let opens =
                        counts && verdict != .neither && model.opens(isFailure: verdict == .failure, now)
                    #expect(rig.machine.isClosed == !opens, "seed \(seed) at \(now) ms: \(rig.changes.suffix(1))")
                } else if rig.machine.isClosed {
                    #expect(counts && ticket.isProbe && verdict == .success, "seed \(seed)")
                    model = Model(policy: policy, windowStart: now)
                }
            }
        }
    }
}
