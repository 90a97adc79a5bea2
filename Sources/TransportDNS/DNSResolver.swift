public import NodeTransport
public import TransportResilience

/// Finds peers by DNS: the addresses behind `dns:///name:port` (A, AAAA), and the hosts that offer a service behind
/// `srv:///_service._proto.domain` (SRV, RFC 2782).
///
/// What it reports keeps the name, so the peer has to prove it by its certificate; DNS only says where to connect.
///
/// - An answer is kept for its time to live, within ``DNSConfiguration/timeToLive``, and then looked up anew. A request
///   makes that sooner, not more often than ``DNSConfiguration/minimumInterval``.
/// - A name or service that is not there is a failure at first, which says so. Once peers were known, it means that
///   there are none any longer.
/// - A server that fails or is silent changes nothing about the peers that are known; it is asked again with
///   ``DNSConfiguration/backoff``. That holds for each part of a look-up: one family of addresses, one host of a service.
/// - Addresses, the hosts file and `localhost` need no server. The search list of `resolv.conf` is applied to
///   `dns:///`, not to `srv:///`; a name that ends in a dot is full.
///
/// Sockets, retries over several servers, and TCP after an answer that was cut off (RFC 7766) are the work of c-ares, on
/// a thread that is there while there are questions.
public struct DNSResolver: Resolver {
    private let wire: Endpoint.Scheme
    private let configuration: DNSConfiguration
    private let client: any DNSQuerying
    private let clock: AnyContinuousClock

    /// - Parameters:
    ///   - wire: How the peers are reached: `grpc`, `quic`, `http` or `udp`.
    ///   - configuration: How it asks, and how often.
    ///   - clock: What times to live and delays pass on.
    /// - Throws: ``/NodeTransport/TransportError`` with `invalidArgument` for another scheme, or a server that is no address.
    public init<C: Clock>(
        wire: Endpoint.Scheme, configuration: DNSConfiguration = DNSConfiguration(), clock: C = ContinuousClock()
    ) throws(TransportError) where C.Instant == ContinuousClock.Instant {
        let checked = try configuration.checked()
        try self.init(wire: wire, configuration: checked, client: DNSClient(checked), clock: clock)
    }

    init<C: Clock>(
        wire: Endpoint.Scheme, configuration: DNSConfiguration, client: any DNSQuerying, clock: C
    ) throws(TransportError) where C.Instant == ContinuousClock.Instant {
        switch wire {
        case .grpc, .quic, .http, .udp: break
        case .dns, .srv, .etcd, .unix, .memory:
            throw TransportError(.invalidArgument, "\(wire.rawValue):// has no addresses that DNS could tell")
        }
        self.wire = wire
        self.configuration = configuration
        self.client = client
        self.clock = AnyContinuousClock(clock)
    }

    public func follow(
        _ target: Endpoint, requests: ResolutionRequests,
        report: @escaping @Sendable (Result<[ResolvedPeer], TransportError>) -> Void
    ) async {
        var schedule = LookUpSchedule(configuration)
        let memory = LookUpMemory()
        var reported: [ResolvedPeer]?
        while !Task.isCancelled {
            let outcome = await lookUp(target, memory)
            guard !Task.isCancelled else { return }
            memory.endLookUp()
            var kept: Duration?
            var isFailed = false
            switch outcome {
            case .found(let peers, let timeToLive, let failure):
                (kept, isFailed) = (timeToLive, failure != nil)
                // Servers rotate their answers; another order is no change.
                if reported.map(Set.init) != Set(peers) { report(.success(peers)) }
                reported = peers
                if let failure { report(.failure(failure.at(target))) }
            case .none(let timeToLive, let reason):
                kept = timeToLive
                if let known = reported {
                    if !known.isEmpty { report(.success([])) }
                    reported = []
                } else {
                    report(.failure(DNSClient.failure("DNS: \(reason)").at(target)))
                }
            case .failed(let error):
                isFailed = true
                report(.failure(error.at(target)))
            }
            let times = schedule.ended(
                keepingFor: kept, isFailed: isFailed, now: clock.now, chance: .random(in: 0..<1))
            do {
                if try await requests.next(until: times.due, clock: clock) {
                    try await clock.sleep(until: times.earliest)
                }
            } catch {
                return
            }
        }
    }

    private func lookUp(_ target: Endpoint, _ memory: LookUpMemory) async -> LookUpOutcome<[ResolvedPeer]> {
        let outcome = await completeLookUp(target, memory)
        guard case .found(let peers, let timeToLive, let failure) = outcome else { return outcome }
        // Some servers send a record twice.
        var seen: Set<ResolvedPeer> = []
        let distinct = peers.filter { seen.insert($0).inserted }.prefix(configuration.maximumPeers)
        return .found(Array(distinct), timeToLive: timeToLive, failure: failure)
    }

    private func completeLookUp(_ target: Endpoint, _ memory: LookUpMemory) async -> LookUpOutcome<[ResolvedPeer]> {
        let peer = Endpoint(scheme: wire, address: target.address)
        do throws(TransportError) {
            switch (target.scheme, target.address) {
            case (.dns, .hostPort(.name(let name), _)):
                let lookUp = try await addressLookUp(memory)
                switch await lookUp.addresses(ofWritten: name) {
                case .found(let hosts, let timeToLive, let failure):
                    return .found(
                        hosts.map { ResolvedPeer(peer.resolved(to: $0)) }, timeToLive: timeToLive, failure: failure)
                case .none(let timeToLive, let reason): return .none(timeToLive: timeToLive, reason: reason)
                case .failed(let error): return .failed(error)
                }
            case (.dns, .hostPort):
                return .found([ResolvedPeer(peer)], timeToLive: configuration.timeToLive.upperBound, failure: nil)
            case (.srv, .name(let name)):
                let lookUp = ServiceLookUp(
                    addresses: try await addressLookUp(memory), identity: configuration.serviceIdentity, wire: wire)
                return await lookUp.peers(of: name)
            default:
                return .failed(
                    TransportError(
                        .invalidArgument, "DNS resolves dns:///name:port and srv:///name, not \(target)",
                        processing: .notProcessed))
            }
        } catch {
            return .failed(error)
        }
    }

    private func addressLookUp(_ memory: LookUpMemory) async throws(TransportError) -> AddressLookUp {
        AddressLookUp(
            client: client, local: try await client.localNames(), families: configuration.families, memory: memory)
    }
}
