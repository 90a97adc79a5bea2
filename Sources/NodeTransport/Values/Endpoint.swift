/// Where a peer is, or where to listen: a scheme and an address, parsed from text such as
/// `grpc://127.0.0.1:50051`, `quic://[::1]:4433`, `dns:///node-7.example:443`, `srv:///ledger.example`,
/// `unix:///run/node.sock` or `memory://test`.
///
/// Text without a scheme (`host:port`, `[v6]:port`) means ``Scheme/grpc``. Port 0 asks a listener for
/// a free port; the listener's ``Listener/endpoint`` has the one it got.
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
        /// A Unix domain socket.
        case unix
        /// Within this process.
        case memory
    }

    /// What stands behind the scheme.
    public enum Address: Sendable, Hashable {
        /// A host and a port (0...65535).
        case hostPort(Host, port: Int)
        /// A name without a port: `srv:///name`, `memory://name`.
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
    }

    public let scheme: Scheme
    public let address: Address

    package init(scheme: Scheme, address: Address) {
        self.scheme = scheme
        self.address = address
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
        return Endpoint(scheme: scheme, address: .hostPort(host, port: port))
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
        switch (scheme, address) {
        case (.dns, _), (.srv, _): "\(scheme.rawValue):///\(authority)"
        case (_, .path(let path)): "\(scheme.rawValue)://\(path)"
        default: "\(scheme.rawValue)://\(authority)"
        }
    }
}
