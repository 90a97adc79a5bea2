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
                let (kind, level, detail): (ResilienceEvent.Kind, Logger.Level, String) =
                    switch change {
                    case .opened(let duration, let reason):
                        (.breakerOpened, .notice, "for \(duration.asWait): \(reason)")
                    case .halfOpened: (.breakerHalfOpened, .info, "the next call decides")
                    case .closed: (.breakerClosed, .info, "the probe ended well")
                    }
                let event = ResilienceEvent(kind, endpoint: endpoint, detail: detail, error: error)
                logger?.log(level: level, "\(event)")
                onEvent?(event)
            }
        }
    }

    /// The breaker of a peer, made closed if there is none.
    public func breaker(for endpoint: Endpoint) -> CircuitBreaker { table.value(for: endpoint) }

    /// How the peers stand that have a breaker.
    public var states: [Endpoint: CircuitBreaker.State] { table.all.mapValues(\.state) }
}
