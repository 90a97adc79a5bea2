import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

@Suite struct AdmissionMachineTests {
    typealias Machine = AdmissionMachine<Int>

    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start.advanced(by: .milliseconds(milliseconds)) }

    private func call(
        deadline: Int? = nil, weight: Int = 1, isStream: Bool = false, address: UInt32? = nil, method: Int = 0
    ) -> ArrivingCall {
        ArrivingCall(
            method: method, isStream: isStream, weight: weight, deadline: deadline.map(at),
            address: address.map(AddressKey.v4), identity: nil)
    }

    /// One place that call 0 has; it took `service` when `begun` is given back.
    private func busy(
        _ queue: QueueLimit = QueueLimit(), change: (inout ServerLimits) -> Void = { _ in }
    ) throws -> (Machine, AdmissionPermit) {
        var limits = ServerLimits(concurrency: .fixed(1), queue: queue)
        change(&limits)
        var machine = Machine(limits, now: start)
        let decision = machine.arrive(call(), now: start, chance: 0)
        return (machine, try begun(decision))
    }

    private func begun(_ decision: Machine.Decision) throws -> AdmissionPermit {
        guard case .begin(let permit) = decision else { throw Unexpected(decision: "\(decision)") }
        return permit
    }

    private func ticket(_ decision: Machine.Decision) throws -> SlotTicket {
        guard case .wait(let ticket?) = decision else { throw Unexpected(decision: "\(decision)") }
        return ticket
    }

    private func refusal(_ decision: Machine.Decision) throws -> Refusal {
        guard case .refuse(let refusal) = decision else { throw Unexpected(decision: "\(decision)") }
        return refusal
    }

    private struct Unexpected: Error {
        let decision: String
    }

    @Test func whatFindsNoPlaceWaitsInTurn() throws {
        var (machine, permit) = try busy()
        for number in 1...3 { _ = machine.arrive(call(), waiter: number, now: at(number), chance: 0) }
        for number in 1...3 {
            let effects = machine.finish(permit, .succeeded, now: at(10 + number), chance: 0)
            #expect(effects.begun.map(\.waiter) == [number])
            permit = try #require(effects.begun.first?.permit)
        }
    }

    @Test func anOverloadedServerTakesTheNewestFirst() throws {
        var (machine, permit) = try busy(QueueLimit(overloadedWait: .milliseconds(500)))
        for number in 1...3 { _ = machine.arrive(call(), waiter: number, now: at(number), chance: 0) }
        var served: [Int] = []
        for _ in 1...3 {
            let effects = machine.finish(permit, .succeeded, now: at(150), chance: 0)
            served += effects.begun.map(\.waiter)
            permit = try #require(effects.begun.first?.permit)
        }
        #expect(served == [3, 2, 1])
        _ = machine.finish(permit, .succeeded, now: at(151), chance: 0)
        // The queue was empty: first come, first served again.
        permit = try begun(machine.arrive(call(), now: at(160), chance: 0))
        for number in 4...5 { _ = machine.arrive(call(), waiter: number, now: at(160), chance: 0) }
        #expect(machine.finish(permit, .succeeded, now: at(165), chance: 0).begun.map(\.waiter) == [4])
    }

    @Test func theQueueIsBounded() throws {
        var (machine, _) = try busy(QueueLimit(length: 2))
        for number in 1...2 { _ = machine.arrive(call(), waiter: number, now: start, chance: 0) }
        let refused = try refusal(machine.arrive(call(), waiter: 3, now: start, chance: 0))
        #expect(refused.limit == .queueLength)
        #expect(machine.waitingCount == 2)
    }

    @Test func withoutAQueueTheLimitIsTheConcurrency() throws {
        var (machine, _) = try busy(.none)
        let decision = machine.arrive(call(), waiter: 1, now: start, chance: 0)
        #expect(try refusal(decision).limit == .concurrency)
    }

    @Test func nobodyWaitsLongerThanTheLongestWait() throws {
        var (machine, _) = try busy(QueueLimit(longestWait: .milliseconds(300), patience: .seconds(10)))
        for number in 1...2 { _ = machine.arrive(call(), waiter: number, now: at(number * 100), chance: 0) }
        #expect(machine.nextExpiry(now: at(200)) == at(400))
        var effects = machine.expire(now: at(399), chance: 0)
        #expect(effects.refused.isEmpty)
        effects = machine.expire(now: at(400), chance: 0)
        #expect(effects.refused.map(\.waiter) == [1])
        #expect(effects.refused.map(\.refusal.limit) == [.queueWait])
        #expect(machine.nextExpiry(now: at(400)) == at(500))
    }

    @Test func atAnOverloadedServerTheWaitIsShort() throws {
        var (machine, _) = try busy()
        _ = machine.arrive(call(), waiter: 1, now: at(0), chance: 0)
        #expect(machine.nextExpiry(now: at(0)) == at(100), "that is when it counts as overloaded")
        #expect(machine.expire(now: at(100), chance: 0).refused.map(\.waiter) == [1])
        #expect(machine.nextExpiry(now: at(100)) == nil)
    }

    @Test func aCallWhoseDeadlineHasPassedIsNotBegun() throws {
        var machine = Machine(.default, now: start)
        #expect(try refusal(machine.arrive(call(deadline: 0), now: start, chance: 0)) == .tooLate)
        var (busy, permit) = try busy()
        _ = busy.arrive(call(deadline: 50), waiter: 1, now: start, chance: 0)
        _ = busy.arrive(call(), waiter: 2, now: start, chance: 0)
        let effects = busy.finish(permit, .other, now: at(60), chance: 0)
        #expect(effects.refused.map(\.refusal) == [.tooLate])
        #expect(effects.begun.map(\.waiter) == [2])
    }

    @Test func aCallThatWouldBeTooLateIsRefusedAtOnce() throws {
        var (machine, permit) = try busy()
        _ = machine.finish(permit, .succeeded, now: at(100), chance: 0)
        permit = try begun(machine.arrive(call(deadline: 150), now: at(100), chance: 0))
        #expect(permit.began == at(100), "there is a place: it may be quick")
        // One call ahead takes 100 ms, and its own time 100 ms more.
        #expect(try refusal(machine.arrive(call(deadline: 290), waiter: 1, now: at(100), chance: 0)).limit == .deadline)
        _ = try ticket(machine.arrive(call(deadline: 310), waiter: 2, now: at(100), chance: 0))
    }

    @Test func anEstimateThatRefusesIsDoubted() throws {
        var (machine, permit) = try busy()
        _ = machine.finish(permit, .succeeded, now: at(10_000), chance: 0)
        _ = machine.arrive(call(method: 1), now: at(10_000), chance: 0)
        var refused = 0
        while case .refuse = machine.arrive(call(deadline: 21_000), waiter: 1, now: at(10_000), chance: 0),
            refused < 100
        {
            refused += 1
        }
        #expect((1..<100).contains(refused))
    }

    @Test func aCancelledCallLeavesTheQueue() throws {
        var (machine, permit) = try busy()
        let first = try ticket(machine.arrive(call(), waiter: 1, now: start, chance: 0))
        _ = machine.arrive(call(), waiter: 2, now: start, chance: 0)
        #expect([machine.cancel(first), machine.cancel(first)] == [1, nil])
        #expect(machine.finish(permit, .succeeded, now: at(1), chance: 0).begun.map(\.waiter) == [2])
        #expect(machine.cancel(first) == nil)
        #expect(machine.callCount == 1)
    }

    @Test func aHeavyCallTakesMorePlacesAndOneThatIsTooHeavyRunsAlone() throws {
        var machine = Machine(ServerLimits(concurrency: .fixed(4)), now: start)
        let light = try begun(machine.arrive(call(), now: start, chance: 0))
        _ = try ticket(machine.arrive(call(weight: 10), waiter: 1, now: start, chance: 0))
        _ = try ticket(machine.arrive(call(), waiter: 2, now: start, chance: 0))
        var effects = machine.finish(light, .succeeded, now: at(1), chance: 0)
        #expect(effects.begun.map(\.waiter) == [1])
        effects = machine.finish(try #require(effects.begun.first?.permit), .succeeded, now: at(2), chance: 0)
        #expect(effects.begun.map(\.waiter) == [2])
    }

    @Test func everyLimitHasItsName() throws {
        let cases: [(ServerLimit, (inout ServerLimits) -> Void, Bool)] = [
            (.addressRate, { $0.perAddress.rate = CallRate(perSecond: 1, burst: 1) }, false),
            (.addressCalls, { $0.perAddress.maximumCalls = 1 }, false),
            (.totalRate, { $0.total.rate = CallRate(perSecond: 1, burst: 1) }, false),
            (.totalCalls, { $0.total.maximumCalls = 1 }, false),
            (.streams, { $0.maximumStreams = 1 }, true),
        ]
        for (limit, change, isStream) in cases {
            var limits = ServerLimits()
            change(&limits)
            var machine = Machine(limits, now: start)
            _ = try begun(machine.arrive(call(isStream: isStream, address: 7), now: start, chance: 0))
            let refused = try refusal(machine.arrive(call(isStream: isStream, address: 7), now: start, chance: 0))
            #expect(refused.limit == limit)
        }
    }

    @Test func theRetryAfterIsComputedBoundedAndJittered() throws {
        var limits = ServerLimits(retryAfter: .milliseconds(100) ... .seconds(2))
        limits.total.rate = CallRate(perSecond: 1, burst: 1)
        var machine = Machine(limits, now: start)
        _ = machine.arrive(call(), now: start, chance: 0)
        for (weight, now, chance, expected) in [(1, 0, 0.0, 1_000), (1, 0, 0.5, 1_500), (1, 990, 0.0, 100)] {
            let refused = try refusal(machine.arrive(call(weight: weight), now: at(now), chance: chance))
            #expect(refused.retryAfter == .milliseconds(expected))
        }
    }

    @Test func aRefusedCallUsesUpNothing() throws {
        var (machine, permit) = try busy(.none) { $0.perAddress.rate = CallRate(perSecond: 0.001, burst: 1) }
        for _ in 0..<5 {
            let refused = try refusal(machine.arrive(call(address: 1), now: start, chance: 0))
            #expect(refused.limit == .concurrency)
        }
        _ = machine.finish(permit, .succeeded, now: at(1), chance: 0)
        _ = try begun(machine.arrive(call(address: 1), now: at(1), chance: 0))
    }

    /// Whatever happens in whatever order: no limit is exceeded, nothing is lost, nothing stays behind.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theLimitsHoldAndEveryCallHasOneEnd(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let (places, length, streams) = (5, 7, 3)
        var limits = ServerLimits(
            concurrency: .fixed(places), queue: QueueLimit(length: length), maximumStreams: streams,
            perAddress: AdmissionLimit(maximumCalls: 4), rememberedPeers: 5)
        limits.total.rate = CallRate(perSecond: 2_000, burst: 20)
        var machine = Machine(limits, now: start)
        var running: [AdmissionPermit] = []
        var waiting: [Int: SlotTicket] = [:]
        func take(_ effects: Machine.Effects) {
            for (waiter, permit) in effects.begun {
                #expect(waiting.removeValue(forKey: waiter) != nil, "\(waiter) waits, seed \(seed)")
                running.append(permit)
            }
            for (waiter, _, _) in effects.refused {
                #expect(waiting.removeValue(forKey: waiter) != nil, "\(waiter) waits, seed \(seed)")
            }
        }
        var now = 0
        for step in 0..<1_000 {
            now += Int.random(in: 0...3, using: &random)
            let chance = Double.random(in: 0..<1, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3:
                let arriving = call(
                    deadline: Bool.random(using: &random) ? now + Int.random(in: 0...100, using: &random) : nil,
                    isStream: Int.random(in: 0..<6, using: &random) == 0,
                    address: UInt32.random(in: 0..<20, using: &random))
                switch machine.arrive(arriving, waiter: step, now: at(now), chance: chance) {
                case .begin(let permit): running.append(permit)
                case .wait(let ticket): waiting[step] = ticket
                case .refuse: break
                }
            case 4, 5:
                guard let index = running.indices.randomElement(using: &random) else { continue }
                take(machine.finish(running.remove(at: index), .succeeded, now: at(now), chance: chance))
            case 6: take(machine.expire(now: at(now), chance: chance))
            default:
                guard let number = waiting.keys.sorted().randomElement(using: &random) else { continue }
                let cancelled = waiting.removeValue(forKey: number).flatMap { machine.cancel($0) }
                #expect(cancelled == number, "seed \(seed)")
            }
            let unary = running.count { !$0.call.isStream }
            #expect(unary <= places, "seed \(seed)")
            #expect(running.count - unary <= streams, "seed \(seed)")
            #expect(machine.waitingCount == waiting.count, "seed \(seed)")
            #expect(waiting.count <= length, "seed \(seed)")
            #expect(machine.callCount == running.count + waiting.count, "seed \(seed)")
            #expect(waiting.isEmpty || machine.nextExpiry(now: at(now)) != nil, "seed \(seed)")
        }
        take(machine.expire(now: at(now + 3_600_000), chance: 0))
        for permit in running { take(machine.finish(permit, .other, now: at(now + 3_600_000), chance: 0)) }
        #expect(machine.callCount == 0)
        #expect(machine.unitsInUse == 0)
    }
}
