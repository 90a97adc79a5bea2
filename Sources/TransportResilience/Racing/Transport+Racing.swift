public import NodeTransport

extension Transport {
    /// This wire and `second` as one transport that uses whichever is ready first, this one with a head start.
    ///
    /// ```swift
    /// let transport = quic.racing(against: grpc)
    /// let peer = try await transport.connect(to: "quic://node-7.example:4433")
    /// ```
    ///
    /// - Parameters:
    ///   - second: The wire that begins later. Both should have the same identity and trust, see ``RacingTransport``.
    ///   - headStart: How long the second waits for the first. At least zero, at most a minute.
    ///   - configuration: What is remembered, and how the loser is tried again.
    ///   - observer: Takes `raceWon`, `udpBlocked` and `udpUnblocked`, each when something has changed for a peer.
    ///   - endpoints: Where each wire reaches the peer behind an endpoint.
    ///   - clock: What the head start and the delays between trials pass on.
    public func racing<C: Clock>(
        against second: any Transport, headStart: Duration = .milliseconds(250),
        configuration: RacingConfiguration = RacingConfiguration(), observer: ResilienceObserver? = nil,
        endpoints: @escaping @Sendable (Endpoint) -> RacedEndpoints = RacedEndpoints.quicAndGRPC,
        clock: C = ContinuousClock()
    ) -> RacingTransport where C.Instant == ContinuousClock.Instant {
        RacingTransport(
            first: self, second: second, headStart: headStart, configuration: configuration, observer: observer,
            endpoints: endpoints, clock: AnyContinuousClock(clock))
    }
}
