public import NodeTransport

/// One of the peers behind a target.
public struct ResolvedPeer: Sendable, Hashable {
    /// Where it is, for the transport underneath to connect to.
    public var endpoint: Endpoint

    /// Its share of the calls in proportion to the others', for balancers that weigh. 1...65,535.
    public let weight: Int

    /// Peers of a lower number are preferred; others are for when none of those can be reached (RFC 2782). 0...65,535.
    public let priority: Int

    public init(_ endpoint: Endpoint, weight: Int = 1, priority: Int = 0) {
        self.endpoint = endpoint
        self.weight = min(max(weight, 1), 65_535)
        self.priority = min(max(priority, 0), 65_535)
    }
}

/// Finds the peers behind a target, and goes on telling which they are: a list, a file, DNS, etcd.
public protocol Resolver: Sendable {
    /// Follows the peers behind `target` until the task is cancelled.
    ///
    /// Whoever has connected to peers keeps them over a failed look-up; a success with no peers means that there are
    /// none. A resolver paces itself: it backs off after failures, and does not look anything up more often than its
    /// source can take, however often it is asked.
    ///
    /// - Parameters:
    ///   - target: What was connected to, such as `dns:///node.example:443`.
    ///   - requests: Ask for an early look-up, for the peers known cannot be reached.
    ///   - report: Takes the first answer as soon as there is one, then each change and each failure. Called by one
    ///     task at a time.
    func follow(
        _ target: Endpoint, requests: ResolutionRequests,
        report: @escaping @Sendable (Result<[ResolvedPeer], TransportError>) -> Void
    ) async
}
