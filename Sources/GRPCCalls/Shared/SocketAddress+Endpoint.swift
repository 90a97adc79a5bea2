package import EventLoops
package import NodeTransport

extension SocketAddress {
    /// The address as an endpoint of `fallback`'s scheme; `fallback` for an address without a name, as clients of Unix
    /// sockets have.
    package func endpoint(fallback: Endpoint) -> Endpoint {
        guard case .internet(let address) = self else { return fallback }
        return Endpoint(address, scheme: fallback.scheme == .quic ? .quic : .grpc)
    }

    /// The addresses of `endpoint`, in the order to try them. Looks names up, off the caller's executor.
    package static func resolve(_ endpoint: Endpoint) async throws -> [SocketAddress] {
        let endpoint = endpoint.atResolvedHost
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

    /// The addresses of a name; errors name `endpoint`.
    package static func lookUp(_ name: String, port: Int, _ endpoint: Endpoint) async throws -> [SocketAddress] {
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

extension Endpoint {
    /// The address itself, where a resolver has found one.
    package var atResolvedHost: Endpoint {
        guard let resolvedHost, case .hostPort(_, let port) = address else { return self }
        return Endpoint(scheme: scheme, address: .hostPort(resolvedHost, port: port))
    }

    /// A numeric address as an endpoint.
    package init(_ address: InternetAddress, scheme: Scheme) {
        let host: Host = address.family == .ipv4 ? .ipv4(address.host) : .ipv6(address.host)
        self.init(scheme: scheme, address: .hostPort(host, port: Int(address.port)))
    }
}
