internal import NodeTransport

/// The order in which peers are tried.
enum PeerOrder {
    /// By priority; within one, the two address families take turns, the first peer's first (RFC 8305 §4). Of peers at
    /// the same endpoint the first counts.
    static func arranged(_ peers: [ResolvedPeer], limit: Int) -> [ResolvedPeer] {
        var seen: Set<Endpoint> = []
        let unique = peers.filter { seen.insert($0.endpoint).inserted }
        let groups = Dictionary(grouping: unique, by: \.priority).sorted { $0.key < $1.key }
        return Array(groups.flatMap { interleaved($0.value) }.prefix(max(limit, 1)))
    }

    private static func interleaved(_ peers: [ResolvedPeer]) -> [ResolvedPeer] {
        guard let first = peers.first else { return [] }
        let isFirstV6 = isV6(first.endpoint)
        let (same, other) = (
            peers.filter { isV6($0.endpoint) == isFirstV6 }, peers.filter { isV6($0.endpoint) != isFirstV6 }
        )
        var result: [ResolvedPeer] = []
        for index in 0..<max(same.count, other.count) {
            if index < same.count { result.append(same[index]) }
            if index < other.count { result.append(other[index]) }
        }
        return result
    }

    private static func isV6(_ endpoint: Endpoint) -> Bool {
        if case .ipv6 = endpoint.resolvedHost { return true }
        if case .hostPort(.ipv6, _) = endpoint.address { return true }
        return false
    }
}
