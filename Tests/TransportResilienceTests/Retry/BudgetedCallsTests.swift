import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

/// Several layers that spend of one budget.
@Suite("Layers that share a budget", .timeLimit(.minutes(5)))
struct BudgetedCallsTests {
    /// How the layers lie around the wire.
    enum Layers: String, CaseIterable {
        case retrying, hedging, retryingAndHedgingAround, hedgingAndRetryingAround, retryingTwice, hedgingTwice

        func around(_ wire: any Transport, _ budgets: RetryBudgets, _ clock: VirtualClock) -> any Transport {
            switch self {
            case .retrying: retrying(wire, budgets, clock)
            case .hedging: hedging(wire, budgets, clock)
            case .retryingAndHedgingAround: hedging(retrying(wire, budgets, clock), budgets, clock)
            case .hedgingAndRetryingAround: retrying(hedging(wire, budgets, clock), budgets, clock)
            case .retryingTwice: retrying(retrying(wire, budgets, clock), budgets, clock)
            case .hedgingTwice: hedging(hedging(wire, budgets, clock), budgets, clock)
            }
        }

        /// What it is concerned with.
        var retries: Bool { self != .hedging && self != .hedgingTwice }

        private func retrying(
            _ transport: any Transport, _ budgets: RetryBudgets, _ clock: VirtualClock
        ) -> any Transport {
            transport.retrying(RetryPolicy(backoff: .constant(.zero)), budgets: budgets, clock: clock)
        }

        private func hedging(
            _ transport: any Transport, _ budgets: RetryBudgets, _ clock: VirtualClock
        ) -> any Transport {
            transport.hedging(HedgingPolicy(delay: .milliseconds(100)), budgets: budgets, clock: clock)
        }
    }

    private let clock = VirtualClock()
    private let budgets = RetryBudgets(RetryBudget.Limits(ratio: 1, floor: 0, maximum: 1_000, overdraft: 0))

    @Test(arguments: Layers.allCases)
    func aCallEarnsOnce(_ layers: Layers) async throws {
        let rig = try await FlakyRig(clock: clock) { layers.around($0, budgets, clock) }
        let budget = budgets.budget(for: rig.endpoint)
        for number in 1...3 {
            _ = try await rig.connection.call(FlakyPeer.read, "x")
            #expect(budget.earnedRetries == number)
        }
        _ = try await rig.connection.call(FlakyPeer.write, "x")
        do {
            let stream = try await rig.connection.call(FlakyPeer.count, "1")
            while try await stream.next() != nil {}
        }
        // To a hedging layer alone only what can be hedged is a call.
        #expect(budget.earnedRetries == (layers.retries ? 5 : 3))
        #expect(budget.callsInFlight == 0)
    }

    @Test(arguments: Layers.allCases)
    func whateverFailsAttemptsAreBounded(_ layers: Layers) async throws {
        let budgets = RetryBudgets()
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 10_000), clock: clock) {
            layers.around($0, budgets, clock)
        }
        for _ in 0..<100 {
            await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
        }
        #expect(rig.peer.callCount == 124, "100 calls, a fifth of that, the floor of 3, and the one in flight")
    }

    /// The layer around the channel and the one beneath have one budget where the target is the peer.
    @Test func aCallEarnsOnceThroughAChannel() async throws {
        let rig = try await FlakyRig(clock: clock) {
            $0.retrying(budgets: budgets, clock: clock).reconnecting(clock: clock)
                .hedging(HedgingPolicy(delay: .seconds(1)), budgets: budgets, clock: clock)
        }
        _ = try await rig.connection.call(FlakyPeer.read, "x")
        #expect(budgets.budget(for: rig.endpoint).earnedRetries == 1)
        await rig.transport.shutdown(within: .zero)
    }

    @Test func othersBudgetsEarnToo() async throws {
        let others = RetryBudgets(RetryBudget.Limits(ratio: 1, floor: 0, maximum: 1_000))
        let rig = try await FlakyRig(clock: clock) {
            $0.retrying(budgets: others, clock: clock)
                .hedging(HedgingPolicy(delay: .seconds(1)), budgets: budgets, clock: clock)
        }
        _ = try await rig.connection.call(FlakyPeer.read, "x")
        #expect(budgets.budget(for: rig.endpoint).earnedRetries == 1)
        #expect(others.budget(for: rig.endpoint).earnedRetries == 1)
    }
}
