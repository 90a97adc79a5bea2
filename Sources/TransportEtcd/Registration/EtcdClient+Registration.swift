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
                var isPut = false
                do {
                    try await put(entry, lease: lease.id)
                    (isPut, failures) = (true, 0)
                    observer?(ResilienceEvent(.connected, endpoint: target, detail: "registered \(peer.endpoint)"))
                    try await keepAlive(lease.id, lease.timeToLive)
                } catch {
                    // A lease that could not be kept alive may still hold the record: it stays until the next one does.
                    if !isPut || Task.isCancelled { await giveBack(lease.id) }
                    throw error
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

    /// Ends a lease, also when this task was cancelled.
    private func giveBack(_ lease: Int64) async {
        // A task of its own, which the call's time-out ends.
        await Task { try? await self.revoke(lease: lease) }.value
    }
}
