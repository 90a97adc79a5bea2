public import NodeTransport

/// Two wires to the same peers as one transport: the first begins, the second a moment later, and whichever is ready first
/// is used (after RFC 8305). Made by ``NodeTransport/Transport/racing(against:headStart:configuration:observer:endpoints:clock:)``.
///
/// - The second begins after the head start, or at once when the first fails. The attempt that lost is cancelled.
/// - The winner leads the next race to the same endpoint. So a network that drops UDP costs one head start, once; the
///   observer gets ``ResilienceEvent/Kind/udpBlocked``. The first wire is tried again in the background, and
///   ``ResilienceEvent/Kind/udpUnblocked`` follows when it works. ``forget(_:)`` is for when the network has changed.
/// - When both fail, the error has both reasons (``RaceFailure``).
///
/// ## Downgrades
///
/// Whoever can drop packets can choose the wire. So both have to demand the same: give them the same identity and trust. When
/// either wire refuses the peer's identity, or the peer ours (`unauthenticated`), the race is lost and the other wire is not
/// tried: who answers with a wrong certificate is not helped to find out whether the other wire looks less closely. What a wire
/// would have said after the other has won, nobody hears; each wire judges its own peer.
/// ``RacingConfiguration/requiresIdentity`` also refuses a wire that has no TLS at all.
public final class RacingTransport: Transport {
    private let first: any Transport
    private let second: any Transport
    private let headStart: Duration
    private let configuration: RacingConfiguration
    private let endpoints: @Sendable (Endpoint) -> RacedEndpoints
    private let clock: AnyContinuousClock
    private let probes: RaceProbes

    init(
        first: any Transport, second: any Transport, headStart: Duration, configuration: RacingConfiguration,
        observer: ResilienceObserver?, endpoints: @escaping @Sendable (Endpoint) -> RacedEndpoints,
        clock: AnyContinuousClock
    ) {
        self.first = first
        self.second = second
        self.headStart = min(max(headStart, .zero), .seconds(60))
        self.configuration = configuration.checked
        self.endpoints = endpoints
        self.clock = clock
        probes = RaceProbes(
            configuration.checked, headStart: self.headStart, clock: clock, observer: observer,
            probe: { [requiresIdentity = configuration.requiresIdentity] endpoint in
                try await Self.connect(first, endpoints(endpoint).first, requiresIdentity: requiresIdentity)
            })
    }

    deinit { probes.stop() }

    /// Connects by whichever wire is ready first. The connection's `endpoint` says which it was.
    ///
    /// - Throws: As the wires; one error with both reasons when both failed; `unauthenticated` as soon as either wire says so;
    ///   `failedPrecondition` after ``shutdown(within:)``.
    public func connect(to endpoint: Endpoint) async throws -> any Connection {
        guard probes.isOpen else {
            throw TransportError(
                .failedPrecondition, "the transport was shut down", processing: .notProcessed, endpoint: endpoint)
        }
        let endpoints = endpoints(endpoint)
        let (connection, wire, race) = try await race(endpoints, leader: probes.leader(for: endpoint)).mapError {
            $0.at(endpoint)
        }.get()
        probes.won(endpoint, endpoints, wire, race)
        return connection
    }

    /// Listens by the wire whose endpoint of the peer this is: `quic://` by QUIC, `grpc://` by TCP.
    ///
    /// - Throws: As the wire; `invalidArgument` for an endpoint of neither.
    public func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        let endpoints = endpoints(endpoint)
        if endpoints.first == endpoint { return try await first.listen(on: endpoint, serving: table) }
        if endpoints.second == endpoint { return try await second.listen(on: endpoint, serving: table) }
        throw TransportError(
            .invalidArgument,
            "neither wire of the race listens on \(endpoint), only on \(endpoints.first) and \(endpoints.second)",
            processing: .notProcessed, endpoint: endpoint)
    }

    /// Shuts both wires down at the same time.
    public func shutdown(within grace: Duration) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.probes.shutdown() }
            group.addTask { await self.first.shutdown(within: grace) }
            group.addTask { await self.second.shutdown(within: grace) }
        }
    }

    /// Forgets who won the race to `endpoint`, or to all peers: for when this machine has changed its network. The next
    /// connection is raced for anew.
    public func forget(_ endpoint: Endpoint? = nil) { probes.forget(endpoint) }

    // MARK: A race

    private enum Event {
        case connected(RacedWire, any Connection)
        case failed(RacedWire, TransportError)
        case headStartOver
        case cancelled
    }

    private typealias Outcome = Result<(any Connection, RacedWire, RaceMachine), TransportError>

    private func race(_ endpoints: RacedEndpoints, leader: RacedWire) async -> Outcome {
        await withTaskGroup(of: Event.self) { group in
            var race = RaceMachine(leader: leader)
            var outcome: Outcome?
            group.addTask { await self.attempt(leader, endpoints) }
            group.addTask {
                (try? await self.clock.sleep(for: self.headStart)) == nil ? .cancelled : .headStartOver
            }
            for await event in group {
                switch event {
                case .cancelled: break
                case .headStartOver:
                    guard race.headStartOver() else { continue }
                    group.addTask { await self.attempt(leader.other, endpoints) }
                case .connected(let wire, let connection):
                    let before = race
                    guard race.connected(wire) else {
                        // Ready in the moment in which it was cancelled.
                        await connection.close(within: .zero)
                        continue
                    }
                    outcome = .success((connection, wire, before))
                    group.cancelAll()
                case .failed(let wire, let error):
                    // A wire that was cancelled with the caller has not failed.
                    guard !Task.isCancelled || outcome != nil else {
                        outcome = .failure(error)
                        continue
                    }
                    switch race.failed(wire, error) {
                    case .wait, .ignore: break
                    case .beginOther: group.addTask { await self.attempt(wire.other, endpoints) }
                    case .lost(let error):
                        outcome = .failure(error)
                        group.cancelAll()
                    }
                }
            }
            // Each wire that began has ended, by one of the above.
            return outcome ?? .failure(TransportError(.cancelled, "the race was cancelled", processing: .notProcessed))
        }
    }

    private func attempt(_ wire: RacedWire, _ endpoints: RacedEndpoints) async -> Event {
        let endpoint = wire == .first ? endpoints.first : endpoints.second
        do {
            let connection = try await Self.connect(
                wire == .first ? first : second, endpoint, requiresIdentity: configuration.requiresIdentity)
            return .connected(wire, connection)
        } catch let error as TransportError {
            return .failed(wire, error.at(endpoint))
        } catch {
            let wrapped = TransportError(
                .unavailable, "the wire failed", cause: error, origin: .library, processing: .notProcessed,
                endpoint: endpoint)
            return .failed(wire, wrapped)
        }
    }

    private static func connect(
        _ transport: any Transport, _ endpoint: Endpoint, requiresIdentity: Bool
    ) async throws -> any Connection {
        let connection = try await transport.connect(to: endpoint)
        guard requiresIdentity, connection.peer == nil else { return connection }
        await connection.close(within: .zero)
        throw TransportError(
            .unauthenticated, "the peer has not proved who it is, which this race requires", processing: .notProcessed,
            endpoint: endpoint)
    }
}
