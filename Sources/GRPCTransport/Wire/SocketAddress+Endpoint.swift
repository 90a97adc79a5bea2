internal import EventLoops
internal import NodeTransport

extension SocketAddress {
    /// The address as an endpoint of gRPC; `fallback` for an address without a name, as clients of Unix sockets have.
    func endpoint(fallback: Endpoint) -> Endpoint {
        guard case .internet(let address) = self else { return fallback }
        let host: Endpoint.Host = address.family == .ipv4 ? .ipv4(address.host) : .ipv6(address.host)
        return Endpoint(scheme: .grpc, address: .hostPort(host, port: Int(address.port)))
    }

    /// The addresses of `endpoint`, in the order to try them. Looks names up, off the caller's executor.
    static func resolve(_ endpoint: Endpoint) async throws -> [SocketAddress] {
        switch (endpoint.scheme, endpoint.address) {
        case (.grpc, .hostPort(.name(let name), let port)), (.dns, .hostPort(.name(let name), let port)):
            return try await lookUp(name, port: port, endpoint)
        case (.grpc, .hostPort(_, let port)), (.dns, .hostPort(_, let port)):
            guard let address = InternetAddress(endpoint.host ?? "", port: UInt16(truncatingIfNeeded: port)) else {
                throw TransportError(
                    .invalidArgument, "no such network interface", origin: .library, endpoint: endpoint)
            }
            return [.internet(address)]
        case (.unix, .path(let path)):
            guard let address = SocketAddress(unixPath: path) else {
                throw TransportError(.invalidArgument, "the socket's path is too long", endpoint: endpoint)
            }
            return [address]
        default:
            throw TransportError(
                .invalidArgument, "gRPC over HTTP/2 takes grpc://, dns:/// and unix:// endpoints", endpoint: endpoint)
        }
    }

    private static func lookUp(_ name: String, port: Int, _ endpoint: Endpoint) async throws -> [SocketAddress] {
        do {
            return try await NameLookup.addresses(of: name, port: UInt16(truncatingIfNeeded: port)).map {
                .internet($0)
            }
        } catch {
            throw TransportError(
                .unavailable, "\"\(name)\" could not be looked up: \(error)", origin: .library,
                processing: .notProcessed, endpoint: endpoint)
        }
    }
}
