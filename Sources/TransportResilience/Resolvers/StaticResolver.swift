public import NodeTransport

/// Peers that are known from the beginning and do not change.
public struct StaticResolver: Resolver {
    private let peers: [ResolvedPeer]?

    /// The same peers for each target.
    public init(_ peers: [ResolvedPeer]) { self.peers = peers }

    /// The same peers for each target, all alike.
    public init(_ endpoints: [Endpoint]) { peers = endpoints.map { ResolvedPeer($0) } }

    /// Each target is its own only peer.
    public init() { peers = nil }

    public func follow(
        _ target: Endpoint, requests: ResolutionRequests,
        report: @escaping @Sendable (Result<[ResolvedPeer], TransportError>) -> Void
    ) async {
        report(.success(peers ?? [ResolvedPeer(target)]))
        // There is nothing new to find; ends when the task is cancelled.
        while (try? await requests.next()) != nil {}
    }
}
