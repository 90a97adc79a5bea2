public import NodeTransport

extension Transport {
    /// This transport with connections that last: each is a channel, which follows the peers behind its target, keeps
    /// connections to them, makes those anew that break, and chooses a peer for each call.
    ///
    /// ```swift
    /// let transport = GRPCTransport().balanced(.roundRobin, resolver: FileResolver("/etc/ledger/peers"))
    /// let ledger = try await transport.connect(to: "dns:///ledger.example:443")
    /// ```
    ///
    /// While no peer is ready, calls wait as long as one is being connected to for the first time; then they fail with
    /// `unavailable`, or go on waiting until their deadline where `CallRouting.waitsForReady` says so. A call whose
    /// connection goes away before the peer has seen it is sent to another by itself. Peers that leave the list, or
    /// that ask for it, are replaced while their calls in flight finish.
    ///
    /// Such a connection is `ConnectionState.ready` while a peer is, otherwise `ConnectionState.connecting`; it is
    /// closed only by this side. Letting go of it closes it; calls in flight may then go on for
    /// ``ChannelConfiguration/drainGrace``.
    ///
    /// - Parameters:
    ///   - balancer: How a peer is chosen.
    ///   - resolver: Who knows the peers behind a target; by default the target is the only one.
    ///   - configuration: How connections are kept.
    ///   - observer: Takes what channels decide.
    ///   - clock: What delays pass on.
    public func balanced<C: Clock>(
        _ balancer: Balancer = .pickFirst, resolver: any Resolver = StaticResolver(),
        configuration: ChannelConfiguration = ChannelConfiguration(), observer: ResilienceObserver? = nil,
        clock: C = ContinuousClock()
    ) -> some Transport where C.Instant == ContinuousClock.Instant {
        BalancedTransport(
            base: self, balancer: balancer, resolver: resolver, configuration: configuration, observer: observer,
            clock: AnyContinuousClock(clock))
    }

    /// This transport with connections that are made anew when they break.
    ///
    /// ```swift
    /// let peer = try await GRPCTransport().reconnecting(.betweenNodes).connect(to: "grpc://10.0.0.7:50051")
    /// ```
    ///
    /// The same as `balanced(_:resolver:configuration:observer:clock:)` with the target as the only peer.
    ///
    /// - Parameters:
    ///   - backoff: The delays between attempts.
    ///   - connectsLazily: Whether connecting returns at once, though the peer may not be there yet.
    ///   - observer: Takes what channels decide.
    ///   - clock: What delays pass on.
    public func reconnecting<C: Clock>(
        _ backoff: Backoff = .reconnecting, connectsLazily: Bool = false, observer: ResilienceObserver? = nil,
        clock: C = ContinuousClock()
    ) -> some Transport where C.Instant == ContinuousClock.Instant {
        var configuration = ChannelConfiguration()
        configuration.backoff = backoff
        configuration.connectsLazily = connectsLazily
        return balanced(configuration: configuration, observer: observer, clock: clock)
    }
}
