internal import EventLoops
internal import GRPCCalls
internal import NodeTransport

extension InternetAddress {
    /// The addresses of `endpoint`, in the order to try them. Looks names up, off the caller's executor; `loop` is where
    /// the addresses are used.
    static func resolve(quic endpoint: Endpoint, for loop: EventLoop?) async throws -> [InternetAddress] {
        let endpoint = endpoint.atResolvedHost
        guard endpoint.scheme == .quic, case .hostPort(let host, let port) = endpoint.address else {
            throw TransportError(.invalidArgument, "gRPC over QUIC takes quic:// endpoints", endpoint: endpoint)
        }
        if case .name(let name) = host {
            if let kernel = loop?.kernel {
                return kernel.addresses(of: name, port: UInt16(truncatingIfNeeded: port))
            }
            return try await SocketAddress.lookUp(name, port: port, endpoint).compactMap { address in
                if case .internet(let address) = address { address } else { nil }
            }
        }
        guard let address = InternetAddress(endpoint.host ?? "", port: UInt16(truncatingIfNeeded: port)) else {
            throw TransportError(.invalidArgument, "no such network interface", origin: .library, endpoint: endpoint)
        }
        return [address]
    }
}

extension TransportEvent {
    /// A peer was accepted, and an audit has found something about its identity.
    init(auditFinding: any Error, _ endpoint: Endpoint) {
        self.init(
            .pinMismatch, remoteEndpoint: endpoint,
            error: TransportError(
                .unauthenticated, "accepted all the same, for pins are only audited", cause: auditFinding,
                origin: .library))
    }
}
