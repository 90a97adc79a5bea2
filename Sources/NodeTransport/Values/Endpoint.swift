/// Where a peer is, or where to listen: a scheme and an address, parsed from text such as
/// `grpc://127.0.0.1:50051`, `quic://[::1]:4433`, `dns:///node-7.example:443`, `srv:///ledger.example`, `etcd:///ledger`,
/// `unix:///run/node.sock` or `memory://test`.
///
/// Text without a scheme (`host:port`, `[v6]:port`) means ``Scheme/grpc``. Port 0 asks a listener for
/// a free port; the listener's ``Listener/endpoint`` has the one it got. A name whose address is known already is
/// followed by it: `grpc://node-7.example:443@10.0.0.7`.
public struct Endpoint: Sendable, Hashable {
    /// How a peer is reached, or how its address is found.
    public enum Scheme: String, Sendable, Hashable, CaseIterable {
        /// gRPC over HTTP/2 over TCP.
        case grpc
        /// gRPC over HTTP/3 over QUIC.
        case quic
        /// Plain datagrams.
        case udp
        /// HTTP/1.1 or HTTP/2 without gRPC.
        case http
        /// A name that a resolver looks up (A and AAAA).
        case dns
        /// A name that a resolver looks up (SRV, RFC 2782).
        case srv
        /// The name of a service that a resolver looks up in etcd; it may have slashes.
        case etcd
        /// A Unix domain socket.
        case unix
        /// Within this process.
        case memory
    }

    /// What stands behind the scheme.
    public enum Address: Sendable, Hashable {
        /// A host and a port (0...65535).
        case hostPort(Host, port: Int)
        /// A name without a port: `srv:///name`, `etcd:///name`, `memory://name`.
        case name(String)
        /// The path of a Unix domain socket.
        case path(String)
    }

    /// A host as written: not looked up.
    public enum Host: Sendable, Hashable {
        /// A dotted IPv4 address.
        case ipv4(String)
        /// An IPv6 address without brackets, with an optional zone (`fe80::1%eth0`, RFC 4007).
        case ipv6(String)
        /// A DNS name.
        case name(String)

        /// Whether it has to be looked up.
        public var isName: Bool {
            if case .name = self { true } else { false }
        }
    }

    public let scheme: Scheme
    public let address: Address

    /// The address that a resolver has found for the host's name: wires connect there, and the peer has to prove the
    /// name all the same. `nil` leaves the look-up to the wire. Never a name.
    public let resolvedHost: Host?

    package init(scheme: Scheme, address: Address, resolvedHost: Host? = nil) {
        self.scheme = scheme
        self.address = address
        self.resolvedHost = resolvedHost
    }

    /// Parses `text`.
    ///
    /// - Throws: ``TransportError`` with ``StatusCode/invalidArgument`` that quotes `text` and says what is wrong
    ///   with it.
    public init(parsing text: String) throws {
        var parser = EndpointParser(text: text)
        self = try parser.parse()
    }

    /// The host, without brackets, where the address has one.
    public var host: String? {
        guard case .hostPort(let host, _) = address else { return nil }
        switch host {
        case .ipv4(let text), .ipv6(let text), .name(let text): return text
        }
    }

    /// The port (0...65535), where the address has one.
    public var port: Int? {
        guard case .hostPort(_, let port) = address else { return nil }
        return port
    }

    /// The same endpoint at another port.
    ///
    /// - Precondition: `port` is within 0...65535.
    public func withPort(_ port: Int) -> Endpoint {
        precondition((0...65535).contains(port), "a port is within 0...65535")
        guard case .hostPort(let host, _) = address else { return self }
        return Endpoint(scheme: scheme, address: .hostPort(host, port: port), resolvedHost: resolvedHost)
    }

    /// The same endpoint over another wire.
    public func withScheme(_ scheme: Scheme) -> Endpoint {
        Endpoint(scheme: scheme, address: address, resolvedHost: resolvedHost)
    }

    /// The same endpoint, reached at `host`; a host that is an address already is replaced by it.
    ///
    /// - Parameters:
    ///   - host: An address; a name changes nothing.
    ///   - port: Another port, where the look-up tells one (RFC 2782). Within 0...65535.
    public func resolved(to host: Host, port: Int? = nil) -> Endpoint {
        guard case .hostPort(let name, let oldPort) = address, !host.isName else { return self }
        let port = port.map { min(max($0, 0), 65535) } ?? oldPort
        guard name.isName else { return Endpoint(scheme: scheme, address: .hostPort(host, port: port)) }
        return Endpoint(scheme: scheme, address: .hostPort(name, port: port), resolvedHost: host)
    }

    /// `host:port` with IPv6 in brackets, as in HTTP's `:authority` (RFC 3986 §3.2.2).
    public var authority: String {
        switch address {
        case .hostPort(.ipv6(let host), let port): "[\(host)]:\(port)"
        case .hostPort(.ipv4(let host), let port), .hostPort(.name(let host), let port): "\(host):\(port)"
        case .name(let name): name
        case .path: "localhost"
        }
    }
}

extension Endpoint: CustomStringConvertible {
    /// Text that ``init(parsing:)`` reads back to an equal value.
    public var description: String {
        let text =
            switch (scheme, address) {
            case (.dns, _), (.srv, _), (.etcd, _): "\(scheme.rawValue):///\(authority)"
            case (_, .path(let path)): "\(scheme.rawValue)://\(path)"
            default: "\(scheme.rawValue)://\(authority)"
            }
        return switch resolvedHost {
        case .ipv4(let host), .name(let host): "\(text)@\(host)"
        case .ipv6(let host): "\(text)@[\(host)]"
        case nil: text
        }
    }
}
