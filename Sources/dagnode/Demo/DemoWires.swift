internal import ArgumentParser
internal import NodeTransport

/// Which wires the nodes of the demonstration speak.
enum DemoWires: String, CaseIterable, ExpressibleByArgument {
    /// gRPC over HTTP/2.
    case grpc
    /// gRPC over HTTP/3 over QUIC.
    case quic
    /// Each node serves both; of the two peers of each node one is reached by this wire and one by that.
    case mixed

    /// Whether this program was built with what they need.
    var areThere: Bool { schemes.allSatisfy(Wire.schemes.contains) }

    private var schemes: [Endpoint.Scheme] {
        switch self {
        case .grpc: [.grpc]
        case .quic: [.quic]
        case .mixed: [.grpc, .quic]
        }
    }

    /// Where a node listens that was given a free `port` on 127.0.0.1.
    func endpoints(port: Int) -> [Endpoint] {
        schemes.compactMap { try? Endpoint(parsing: "\($0.rawValue)://127.0.0.1:\(port)") }
    }

    /// By which of `endpoints`, those of node number `peer`, node number `node` of `count` reaches it.
    func choice(_ endpoints: [Endpoint], node: Int, peer: Int, count: Int) -> Endpoint? {
        // The distance around the circle, so that each node uses every wire.
        let distance = (peer - node + count) % count
        return endpoints.isEmpty ? nil : endpoints[distance % endpoints.count]
    }
}
