public import Logging
public import NodeTransport

extension Transport {
    /// This transport with unary calls that are sent more than once when an answer is late; the first good answer counts
    /// and the other copies are cancelled (gRFC A6, "Hedging").
    ///
    /// Only calls of idempotent methods are hedged; all others, and streams, pass as they are. Copies after the first are
    /// taken from the budget, and say in `grpc-previous-rpc-attempts` how many went before them. Each asks for another peer than
    /// those that the copies before it went to, which have failed or are late (``/NodeTransport/CallRouting/avoided``); over a
    /// single connection all go to the same peer.
    ///
    /// - Parameters:
    ///   - policy: When copies are sent.
    ///   - budgets: What copies are taken from, one budget for each endpoint connected to; `nil` for no bound.
    ///   - logger: Where each copy is logged, at debug level.
    ///   - clock: What delays pass on.
    ///   - onEvent: Takes ``ResilienceEvent/Kind/hedged`` and ``ResilienceEvent/Kind/retryBudgetExhausted``.
    public func hedging<C: Clock>(
        _ policy: HedgingPolicy,
        budgets: RetryBudgets? = RetryBudgets(),
        logger: Logger? = nil,
        clock: C = ContinuousClock(),
        onEvent: ResilienceObserver? = nil
    ) -> some Transport where C.Instant == ContinuousClock.Instant {
        HedgingTransport(
            base: self, policy: policy, budgets: budgets, logger: logger, clock: AnyContinuousClock(clock),
            onEvent: onEvent)
    }
}

struct HedgingTransport<Base: Transport>: Transport {
    let base: Base
    let policy: HedgingPolicy
    let budgets: RetryBudgets?
    let logger: Logger?
    let clock: AnyContinuousClock
    let onEvent: ResilienceObserver?

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let (connection, calls) = try await BudgetedCalls.connected(
            budgets?.budget(for: endpoint), .idempotentUnary
        ) { try await base.connect(to: endpoint) }
        return HedgingConnection(
            base: connection, policy: policy, calls: calls, tracksPeers: connection.choosesPeersPerCall, logger: logger,
            clock: clock, onEvent: onEvent)
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}
