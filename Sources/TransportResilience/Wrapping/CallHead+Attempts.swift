internal import NodeTransport

extension CallHead {
    /// How many peers a call avoids: the ones that failed last.
    private static let maximumAvoidedPeers = 8

    /// Has this call go to another peer than the one that `error` is about.
    mutating func avoidPeer(of error: any Error) {
        if let peer = (error as? TransportError)?.endpoint { avoid(peer) }
    }

    /// Has this call go to another peer than `peer`.
    mutating func avoid(_ peer: Endpoint) {
        guard !routing.avoided.contains(peer) else { return }
        routing.avoided = routing.avoided.suffix(Self.maximumAvoidedPeers - 1) + [peer]
    }

    /// Says how many attempts came before this one (gRFC A6).
    mutating func setPreviousAttempts(_ count: Int) {
        let key = "grpc-previous-rpc-attempts"
        metadata.remove(key)
        metadata.add(contentsOf: Metadata(entries: [Metadata.Entry(key: key, value: .text(String(count)))]))
    }
}

extension ConnectionState {
    /// Whether a call made now, or soon, may work; once it may not, it never will.
    var takesCalls: Bool {
        switch self {
        case .connecting, .ready: true
        case .draining, .closed: false
        }
    }
}
