public import NodeTransport
internal import TransportProtobuf

/// The methods of `node.NodeService`: who a node is and how it is doing.
public enum Node {
    /// Who answers at an endpoint.
    public static let identify = Method<Unary, IdentifyRequest, NodeIdentity>(
        "node.NodeService", "Identify", request: .protobuf(), response: .protobuf(), isIdempotent: true)

    /// What the node has done and what it stores.
    public static let statistics = Method<Unary, StatisticsRequest, NodeStatistics>(
        "node.NodeService", "Statistics", request: .protobuf(), response: .protobuf(), isIdempotent: true)

    /// Makes the node challenge its peers.
    public static let audit = Method<Unary, AuditRequest, AuditResponse>(
        "node.NodeService", "Audit", request: .protobuf(), response: .protobuf())
}
