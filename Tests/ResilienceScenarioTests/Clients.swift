import NodeTransport
import QUICTransport
import Synchronization
import TransportTestKit

@testable import TransportResilience

/// A connection to each server, by turns, and a new one where it is over; no retries, and no thought of faults.
final class NaiveClient: Sendable {
    private struct Slot {
        var connection: (any Connection)?
        var isConnecting = false
    }

    private struct State {
        var slots: [Slot]
        var turn = 0
    }

    private let transport: QUICTransport
    private let endpoints: [Endpoint]
    private let state: Mutex<State>

    init(_ transport: QUICTransport, _ endpoints: [Endpoint]) {
        self.transport = transport
        self.endpoints = endpoints
        state = Mutex(State(slots: Array(repeating: Slot(), count: endpoints.count)))
    }

    /// Connects to all servers.
    func connect() async throws { for _ in endpoints { _ = try await connection() } }

    /// The connection whose turn it is.
    func connection() async throws -> any Connection {
        let (index, connection) = try state.withLock { state -> (Int, (any Connection)?) in
            let index = state.turn % endpoints.count
            state.turn += 1
            let slot = state.slots[index]
            if let connection = slot.connection, !connection.state.isClosed { return (index, connection) }
            guard !slot.isConnecting else { throw TransportError(.unavailable, "not connected") }
            state.slots[index].isConnecting = true
            return (index, nil)
        }
        if let connection { return connection }
        defer { state.withLock { $0.slots[index].isConnecting = false } }
        let made = try await transport.connect(to: endpoints[index])
        state.withLock { $0.slots[index].connection = made }
        return made
    }
}

extension Transport {
    /// The whole composition: a breaker for each server, a channel over all of them, retries and hedged copies of
    /// idempotent calls out of one budget.
    func resilient(
        to servers: [Endpoint], clock: VirtualClock, executor: any TaskExecutor, seed: UInt64,
        onEvent: @escaping ResilienceObserver
    ) -> some Transport {
        let budgets = RetryBudgets()
        let random = Mutex(SeededRandom(seed: seed))
        let breaker = BreakerPolicy(openDuration: .seconds(2), isFailure: ResilienceProfile.isFailureOfCall)
        var channel = ChannelConfiguration()
        channel.backoff = .betweenNodes
        channel.outliers = OutlierPolicy(sweepInterval: .seconds(1), ejection: .seconds(5), maximumEjectedShare: 0.67)
        channel.executor = executor
        return
            self
            .breaking(breaker, clock: clock, onEvent: onEvent)
            .balanced(
                .leastRequest, resolver: StaticResolver(servers), configuration: channel, observer: onEvent,
                clock: clock, seed: seed
            )
            .retrying(
                RetryPolicy(attempts: Attempts(retries: 3), backoff: Backoff(initialDelay: .milliseconds(25))),
                budgets: budgets, clock: clock,
                randomness: { random.withLock { Double.random(in: 0..<1, using: &$0) } }, onEvent: onEvent
            )
            .hedging(HedgingPolicy(delay: .milliseconds(100)), budgets: budgets, clock: clock, onEvent: onEvent)
    }

    /// As the public one, with choices that a seed repeats.
    private func balanced(
        _ balancer: Balancer, resolver: any Resolver, configuration: ChannelConfiguration,
        observer: ResilienceObserver?, clock: VirtualClock, seed: UInt64
    ) -> some Transport {
        BalancedTransport(
            base: self, balancer: balancer, resolver: resolver, configuration: configuration, observer: observer,
            clock: AnyContinuousClock(clock), seed: { seed })
    }
}
