public import Logging
public import NodeTransport

/// One ``CircuitBreaker`` for each peer, shared by all connections to it.
///
/// It keeps at most `maximumEndpoints` breakers, and forgets the one whose peer was connected to the longest time ago.
public final class CircuitBreakers: Sendable {
    private let table: EndpointTable<CircuitBreaker>

    /// - Parameters:
    ///   - policy: When a peer counts as broken, and for how long it is then left alone.
    ///   - maximumEndpoints: At least 1.
    ///   - logger: Where changes are logged: openings at notice level, the rest at info level.
    ///   - clock: What times pass on.
    ///   - onEvent: Takes ``ResilienceEvent/Kind/breakerOpened``, ``ResilienceEvent/Kind/breakerHalfOpened`` and
    ///     ``ResilienceEvent/Kind/breakerClosed``.
    public init<C: Clock>(
        _ policy: BreakerPolicy = .default, maximumEndpoints: Int = 1_024, logger: Logger? = nil,
        clock: C = ContinuousClock(), onEvent: ResilienceObserver? = nil
    ) where C.Instant == ContinuousClock.Instant {
        let clock = AnyContinuousClock(clock)
        table = EndpointTable(limit: maximumEndpoints) { endpoint in
            CircuitBreaker(endpoint, policy, clock) { change, endpoint, error in
                let event = ResilienceEvent(change, endpoint, error)
                logger?.log(level: event.kind == .breakerOpened ? .notice : .info, "\(event)")
                onEvent?(event)
            }
        }
    }

    /// The breaker of a peer, made closed if there is none.
    public func breaker(for endpoint: Endpoint) -> CircuitBreaker { table.value(for: endpoint) }

    /// How the peers stand that have a breaker.
    public var states: [Endpoint: CircuitBreaker.State] { table.all.mapValues(\.state) }
}

extension ResilienceEvent {
    /// - Parameter error: The last failure; told where it opened the breaker.
    fileprivate init(_ change: BreakerMachine.Change, _ endpoint: Endpoint, _ error: TransportError?) {
        switch change {
        case .opened(let duration, let reason):
            self.init(
                .breakerOpened, endpoint: endpoint, detail: "for \(duration.asWait): \(reason)", error: error)
        case .halfOpened: self.init(.breakerHalfOpened, endpoint: endpoint, detail: "the next call decides")
        case .closed: self.init(.breakerClosed, endpoint: endpoint, detail: "the probe ended well")
        }
    }
}
