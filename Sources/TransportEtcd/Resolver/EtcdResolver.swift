public import NodeTransport
public import TransportResilience

/// Finds the peers of a service in etcd, and hears of each change at once.
///
/// ```swift
/// let channel = try await transport.balanced(.roundRobin, resolver: EtcdResolver(etcd)).connect(to: "etcd:///ledger")
/// ```
///
/// While etcd cannot be reached the peers that were known stay. So they do when the last record is gone, until there is
/// one again: that all peers have ended is less likely than that etcd was away for longer than their leases, and they
/// register anew when they can; to peers that are gone nothing but a connection attempt is lost. Records that cannot be read
/// are passed over, and `observer` hears of them.
public struct EtcdResolver: Resolver {
    private let client: EtcdClient
    private let defaultScheme: Endpoint.Scheme
    private let backoff: Backoff
    private let observer: ResilienceObserver?

    /// - Parameters:
    ///   - client: Speaks to etcd.
    ///   - defaultScheme: The wire of records that name none, as those of other software do.
    ///   - backoff: The delays after failures.
    ///   - observer: Hears of records that cannot be read, as
    ///     ``/TransportResilience/ResilienceEvent/Kind/resolutionFailed``.
    public init(
        _ client: EtcdClient, defaultScheme: Endpoint.Scheme = .grpc,
        backoff: Backoff = Backoff(initialDelay: .milliseconds(200), maximumDelay: .seconds(5), jitter: .fraction(0.2)),
        observer: ResilienceObserver? = nil
    ) {
        self.client = client
        self.defaultScheme = defaultScheme
        self.backoff = backoff
        self.observer = observer
    }

    /// Where a service's peers stand, as etcd's naming package for Go has it.
    static func prefix(service: String) -> String { "\(service)/" }

    static func key(service: String, peer: ResolvedPeer) -> String {
        prefix(service: service) + "\(peer.endpoint.scheme.rawValue):\(peer.endpoint.authority)"
    }

    public func follow(
        _ target: Endpoint, requests: ResolutionRequests,
        report: @escaping @Sendable (Result<[ResolvedPeer], TransportError>) -> Void
    ) async {
        guard target.scheme == .etcd, case .name(let service) = target.address else {
            return report(
                .failure(
                    TransportError(.invalidArgument, "etcd finds etcd:///service endpoints", endpoint: target)))
        }
        let prefix = Self.prefix(service: service)
        var failures = 0
        var reported: [ResolvedPeer]?
        while !Task.isCancelled {
            var table: [String: ResolvedPeer] = [:]
            func tell() {
                // Two records may name one peer.
                let peers = Set(table.values).sorted { "\($0.endpoint)" < "\($1.endpoint)" }
                guard peers != reported else { return }
                if peers.isEmpty, reported?.isEmpty == false {
                    return report(
                        .failure(
                            TransportError(
                                .unavailable, "no record is left; the peers known so far stay", origin: .library,
                                endpoint: target)))
                }
                reported = peers
                report(.success(peers))
            }
            do {
                let (entries, revision) = try await client.list(prefix: prefix)
                for entry in entries { table[entry.key] = peer(entry, target) }
                tell()
                failures = 0
                try await client.watch(prefix: prefix, from: revision + 1) { changes in
                    for change in changes {
                        switch change {
                        case .put(let entry): table[entry.key] = peer(entry, target)
                        case .deleted(let key): table[key] = nil
                        }
                    }
                    tell()
                }
            } catch is EtcdClient.Compacted {
                // The list is read anew, with nothing to wait for.
                continue
            } catch {
                if Task.isCancelled { return }
                failures += 1
                report(
                    .failure(
                        TransportError(
                            .unavailable, "etcd cannot be asked", cause: error, origin: .library, endpoint: target)))
                try? await Task.sleep(for: backoff.delay(beforeRetry: failures, chance: .random(in: 0..<1)))
            }
        }
    }

    private func peer(_ entry: EtcdClient.Entry, _ target: Endpoint) -> ResolvedPeer? {
        do {
            return try PeerRecord(json: entry.value).peer(defaultScheme: defaultScheme)
        } catch {
            observer?(
                ResilienceEvent(
                    .resolutionFailed, endpoint: target, detail: "the record \"\(entry.key)\" is passed over",
                    error: error as? TransportError))
            return nil
        }
    }
}
