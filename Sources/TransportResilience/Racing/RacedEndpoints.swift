public import NodeTransport

/// Where each of two wires reaches the same peer.
public struct RacedEndpoints: Sendable, Hashable {
    /// For the wire that gets the head start.
    public var first: Endpoint
    /// For the other.
    public var second: Endpoint

    public init(first: Endpoint, second: Endpoint) {
        self.first = first
        self.second = second
    }

    /// The same host and port, by QUIC first and by TCP second, for `quic://` and `grpc://`; other endpoints as they are.
    public static func quicAndGRPC(_ endpoint: Endpoint) -> RacedEndpoints {
        switch endpoint.scheme {
        case .quic, .grpc: RacedEndpoints(first: endpoint.withScheme(.quic), second: endpoint.withScheme(.grpc))
        case .udp, .http, .dns, .srv, .etcd, .unix, .memory: RacedEndpoints(first: endpoint, second: endpoint)
        }
    }
}
