internal import Foundation
internal import NodeTransport
public import TransportResilience

extension EtcdClient {
    /// Registers a peer of a service until the task is cancelled, and takes it back then.
    ///
    /// The registration hangs on a lease, which is kept alive; when this process dies it goes away within `timeToLive`. After
    /// a loss of the connection, and when the lease was lost, it is made anew.
    ///
    /// - Parameters:
    ///   - service: The name that clients connect to: `etcd:///service`.
    ///   - peer: Where the service can be reached; its scheme tells the wire.
    ///   - timeToLive: How long the registration outlives this process. From 2 seconds on; etcd counts in whole seconds and
    ///     raises what is too short for it.
    ///   - backoff: The delays after failures.
    ///   - observer: Hears of failures, as ``/TransportResilience/ResilienceEvent/Kind/connectFailed``, and of
    ///     registrations, as ``/TransportResilience/ResilienceEvent/Kind/connected``.
    /// - Throws: `TransportError` with `invalidArgument` for a service or a peer that cannot be registered. Everything else
    ///   is tried again.
    public func register(
        _ service: String, as peer: ResolvedPeer, timeToLive: Duration = .seconds(10),
        backoff: Backoff = Backoff(initialDelay: .milliseconds(200), maximumDelay: .seconds(5), jitter: .fraction(0.2)),
        observer: ResilienceObserver? = nil
    ) async throws {
        let target = try Endpoint(parsing: "etcd:///\(service)")
        guard peer.endpoint.host != nil else {
            throw TransportError(.invalidArgument, "only a host and a port can be registered", endpoint: peer.endpoint)
        }
        let entry = Entry(
            key: EtcdResolver.key(service: service, peer: peer), value: try PeerRecord(peer).json())
        let timeToLive = max(timeToLive, .seconds(2))
        var failures = 0
        while !Task.isCancelled {
            do {
                let lease = try await grantLease(timeToLive)
                try await withLease(lease.id) {
                    try await put(entry, lease: lease.id)
                    failures = 0
                    observer?(ResilienceEvent(.connected, endpoint: target, detail: "registered \(peer.endpoint)"))
                    try await keepAlive(lease.id, lease.timeToLive)
                }
            } catch {
                if Task.isCancelled { return }
                failures += 1
                observer?(
                    ResilienceEvent(
                        .connectFailed, endpoint: target, detail: "\(peer.endpoint) is not registered",
                        error: error as? TransportError))
                try? await Task.sleep(for: backoff.delay(beforeRetry: failures, chance: .random(in: 0..<1)))
            }
        }
    }

    /// Keeps the lease alive for as long as etcd lets it.
    private func keepAlive(_ lease: Int64, _ timeToLive: Duration) async throws {
        var lastHeard = ContinuousClock.now
        while true {
            try await Task.sleep(for: timeToLive / 3)
            do {
                guard try await keepAlive(lease: lease) else {
                    throw TransportError(.notFound, "the lease was lost", origin: .remote)
                }
                lastHeard = .now
            } catch let error as TransportError where error.code != .notFound {
                // Another attempt may still be in time: etcd counts from when it last heard of the lease.
                if lastHeard.duration(to: .now) >= timeToLive { throw error }
            }
        }
    }

    /// Runs `body`, and takes the lease back when it ends, also when the task was cancelled.
    private func withLease(_ lease: Int64, _ body: () async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do {
            try await body()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // A task of its own, since this one may be cancelled; the call's time-out ends it.
        await Task { try? await self.revoke(lease: lease) }.value
        try result.get()
    }
}
