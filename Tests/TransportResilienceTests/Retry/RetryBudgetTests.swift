import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

@Suite("The retry budget", .timeLimit(.minutes(5)))
struct RetryBudgetTests {
    private let start = ContinuousClock.now

    @Test func theFloorNeedsNoCalls() {
        var machine = RetryBudgetMachine(RetryBudget.Limits(ratio: 0.2, floor: 3, period: .seconds(10)))
        #expect(machine.grants(5, now: start) == 3)
        #expect(machine.grants(1, now: start.advanced(by: .milliseconds(3_333))) == 0)
        #expect(machine.grants(1, now: start.advanced(by: .milliseconds(3_334))) == 1, "a third of the floor came back")
        #expect(machine.grants(1, now: start.advanced(by: .milliseconds(3_334))) == 0)
        let later = start.advanced(by: .seconds(100))
        #expect(machine.grants(5, now: later) == 3)
    }

    @Test func fiveCallsEarnOneRetry() {
        var machine = RetryBudgetMachine(RetryBudget.Limits(ratio: 0.2, floor: 0))
        for _ in 0..<4 { machine.callBegan() }
        #expect(machine.grants(1, now: start) == 0)
        machine.callBegan()
        #expect(machine.grants(1, now: start) == 1)
        #expect(machine.grants(1, now: start) == 0)
    }

    @Test func whatIsEarnedIsBounded() {
        var machine = RetryBudgetMachine(RetryBudget.Limits(ratio: 1, floor: 0, maximum: 7))
        for _ in 0..<1_000 { machine.callBegan() }
        #expect(machine.isFull)
        #expect(machine.grants(10, now: start) == 7)
    }

    @Test func callsInFlightOverdrawItByOneEachAndOthersPayForIt() {
        var machine = RetryBudgetMachine(RetryBudget.Limits(ratio: 0.5, floor: 0))
        #expect(machine.grants(300, now: start, callsInFlight: 200) == 200, "all that a peer takes with it")
        #expect(machine.earnedRetries == -200)
        #expect(machine.grants(1, now: start.advanced(by: .seconds(1_000)), callsInFlight: 200) == 0, "not once more")
        for _ in 0..<399 { machine.callBegan() }
        #expect(machine.grants(1, now: start, callsInFlight: 0) == 0)
        for _ in 0..<3 { machine.callBegan() }
        #expect(machine.grants(9, now: start, callsInFlight: 0) == 1, "it is paid, and has earned one")
    }

    @Test func theOverdraftIsBounded() {
        var machine = RetryBudgetMachine(RetryBudget.Limits(ratio: 0.2, floor: 2, overdraft: 7))
        #expect(machine.grants(100, now: start, callsInFlight: 1_000_000) == 9)
        var without = RetryBudgetMachine(RetryBudget.Limits(ratio: 0.2, floor: 2, overdraft: 0))
        #expect(without.grants(100, now: start, callsInFlight: .max) == 2)
        #expect(without.grants(100, now: start, callsInFlight: .min) == 0)
    }

    @Test func theFloorIsThereWhileItIsOverdrawn() {
        var machine = RetryBudgetMachine(RetryBudget.Limits())
        #expect(machine.grants(100, now: start, callsInFlight: 50) == 53)
        #expect(machine.grants(100, now: start.advanced(by: .seconds(10)), callsInFlight: 50) == 3)
    }

    @Test(arguments: [
        RetryBudget.Limits(ratio: -1, floor: -1, period: .zero, maximum: 0, overdraft: -1),
        RetryBudget.Limits(ratio: .nan, floor: .max, period: .seconds(Int64.max), maximum: .max, overdraft: .max),
        RetryBudget.Limits(ratio: .infinity, floor: .min, period: .seconds(-5), maximum: .min, overdraft: .min),
    ])
    func everyCombinationIsBroughtIntoRange(_ limits: RetryBudget.Limits) {
        #expect((0...1).contains(limits.ratio) && (0...1_000).contains(limits.floor))
        #expect((.milliseconds(1) ... .seconds(86_400)).contains(limits.period))
        #expect((1...1_000_000).contains(limits.maximum) && (0...1_000_000).contains(limits.overdraft))
        var machine = RetryBudgetMachine(limits)
        machine.callBegan()
        _ = machine.withdraw(now: start, callsInFlight: .max)
    }

    @Test(
        "Retries ≤ ratio × calls + floor × (1 + time / period) + the most calls in flight, and none is refused below",
        arguments: 0..<50)
    func bound(_ round: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let limits = RetryBudget.Limits(
            ratio: Double(Int.random(in: 0...10, using: &random)) / 10, floor: .random(in: 0...5, using: &random),
            period: .seconds(10), maximum: 1_000_000, overdraft: .random(in: 0...300, using: &random))
        var machine = RetryBudgetMachine(limits)
        var (now, calls, retries, inFlight, most) = (start, 0, 0, 0, 0)
        for _ in 0..<2_000 {
            now = now.advanced(by: .milliseconds(Int.random(in: 0...100, using: &random)))
            if Bool.random(using: &random) {
                machine.callBegan()
                calls += 1
                inFlight += 1
                most = max(most, inFlight)
            } else if inFlight > 0, Int.random(in: 0..<4, using: &random) > 0 {
                // At times all end at once.
                inFlight = Int.random(in: 0..<100, using: &random) == 0 ? 0 : inFlight - 1
            }
            let isGranted = machine.withdraw(now: now, callsInFlight: inFlight)
            if isGranted { retries += 1 }
            let elapsed = start.duration(to: now) / limits.period
            let bound =
                limits.ratio * Double(calls) + Double(limits.floor) * (1 + elapsed)
                + Double(min(most, limits.overdraft))
            #expect(Double(retries) <= bound + 1e-6, "seed \(seed)")
            // Neither what calls have earned is refused, nor what those in flight may have before.
            #expect(isGranted || machine.earnedRetries <= -min(inFlight, limits.overdraft), "seed \(seed)")
        }
    }

    @Test func aBudgetIsSharedByThreads() async {
        let budget = RetryBudget(RetryBudget.Limits(ratio: 0.5, floor: 0, maximum: 1_000_000, overdraft: 0))
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<1_000).count { _ in
                        budget.callBegan()
                        return budget.withdraw()
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(granted <= 4_000)
        #expect(granted + budget.earnedRetries == 4_000)
    }

    @Test func aFullBudgetFillsAgain() {
        let budget = RetryBudget(RetryBudget.Limits(ratio: 1, floor: 0, maximum: 2, overdraft: 0))
        for _ in 0..<3 {
            for _ in 0..<5 { budget.callBegan() }
            #expect((0..<5).count { _ in budget.withdraw(now: start) } == 2)
        }
    }

    @Test func eachEndpointHasItsOwn() throws {
        let budgets = RetryBudgets(maximumEndpoints: 2)
        let endpoints = try (1...3).map { try Endpoint(parsing: "memory://\($0)") }
        let first = budgets.budget(for: endpoints[0])
        #expect(budgets.budget(for: endpoints[0]) === first)
        #expect(budgets.budget(for: endpoints[1]) !== first)
        #expect(budgets.budget(for: endpoints[0]) === first)
        _ = budgets.budget(for: endpoints[2])
        #expect(
            budgets.budget(for: endpoints[0]) === first, "the one used the longest time ago was forgotten, not this")
    }

    @Test func withRetryTakesFromABudget() async throws {
        let clock = VirtualClock()
        let budget = RetryBudget(RetryBudget.Limits(ratio: 0, floor: 2, overdraft: 0))
        let attempts = Recording<Int>()
        let policy = RetryPolicy(attempts: Attempts(retries: 9), backoff: .constant(.zero))
        let error = await #expect(throws: TransportError.self) {
            try await withRetry(policy, operation: "test", isIdempotent: true, budget: budget, clock: clock) {
                attempts.append($0)
                throw TransportError.down
            }
        }
        #expect(attempts.all == [1, 2, 3])
        #expect(error?.attempt == 3)
        #expect(budget.callsInFlight == 0)
    }
}

extension RetryBudgetMachine {
    /// How many of `count` withdrawals at once are granted.
    fileprivate mutating func grants(
        _ count: Int, now: ContinuousClock.Instant, callsInFlight: Int = 0
    ) -> Int {
        var granted = 0
        for _ in 0..<count where withdraw(now: now, callsInFlight: callsInFlight) { granted += 1 }
        return granted
    }
}
