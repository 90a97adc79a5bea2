public import Logging
public import NodeTransport

extension Transport {
    /// This transport with breakers, lasting connections to one of several peers, and retries around it.
    ///
    /// ```swift
    /// let transport = QUICTransport(…).resilient(.node, resolver: EtcdResolver(etcd))
    /// let ledger = try await transport.connect(to: "etcd:///ledger")
    /// ```
    ///
    /// The same as ``breaking(_:)``, `balanced(_:resolver:configuration:observer:clock:)` and
    /// `retrying(_:budgets:logger:clock:randomness:onEvent:)` in this order, the breakers next to the wire.
    ///
    /// - Parameters:
    ///   - profile: The numbers: ``ResilienceProfile/service`` or ``ResilienceProfile/node``, or changed ones.
    ///   - resolver: Who knows the peers behind a target; by default the target is the only one.
    ///   - logger: Where each retry is logged, and each breaker that opens.
    ///   - clock: What delays pass on.
    ///   - observer: Takes what is decided.
    public func resilient<C: Clock>(
        _ profile: ResilienceProfile, resolver: any Resolver = StaticResolver(), logger: Logger? = nil,
        clock: C = ContinuousClock(), observer: ResilienceObserver? = nil
    ) -> any Transport where C.Instant == ContinuousClock.Instant {
        guard let breaker = profile.breaker else { return lasting(profile, resolver, logger, clock, observer) }
        return breaking(breaker, logger: logger, clock: clock, onEvent: observer)
            .lasting(profile, resolver, logger, clock, observer)
    }

    private func lasting<C: Clock>(
        _ profile: ResilienceProfile, _ resolver: any Resolver, _ logger: Logger?, _ clock: C,
        _ observer: ResilienceObserver?
    ) -> any Transport where C.Instant == ContinuousClock.Instant {
        balanced(
            profile.balancer, resolver: resolver, configuration: profile.channel, observer: observer, clock: clock
        )
        .retrying(
            profile.retry, budgets: RetryBudgets(profile.budget), logger: logger, clock: clock, onEvent: observer)
    }
}
