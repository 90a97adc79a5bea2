/// A group of methods that a listener serves.
///
/// ```swift
/// struct EchoService: Service {
///     var handlers: [MethodHandler] {
///         [Echo.unary.handle { request, _ in request }]
///     }
/// }
/// ```
public protocol Service: Sendable {
    /// The methods; read once when listening begins.
    var handlers: [MethodHandler] { get }

    /// Takes datagrams from peers, on transports that have them; `nil` when the service wants none.
    var datagramHandler: DatagramHandler? { get }
}

extension Service {
    public var datagramHandler: DatagramHandler? { nil }
}

/// Takes one datagram; what it returns, if anything, is sent back to the peer as a datagram.
public typealias DatagramHandler = @Sendable (Bytes, DatagramContext) async -> Bytes?

/// Where a datagram came from.
public struct DatagramContext: Sendable {
    /// Who the peer has proved to be; `nil` without mutual TLS.
    public let peer: PeerIdentity?
    /// The peer's address.
    public let remoteEndpoint: Endpoint

    public init(peer: PeerIdentity?, remoteEndpoint: Endpoint) {
        self.peer = peer
        self.remoteEndpoint = remoteEndpoint
    }
}

/// The methods that a listener serves, by name.
public struct ServiceTable: Sendable {
    private var byPath: [String: MethodHandler] = [:]

    /// Takes datagrams, when a service wants them.
    public private(set) var datagramHandler: DatagramHandler?

    /// - Throws: ``TransportError`` with ``StatusCode/alreadyExists`` that names the method (or datagrams) two
    ///   services claim.
    public init(_ services: [any Service]) throws {
        for service in services {
            for handler in service.handlers {
                guard byPath.updateValue(handler, forKey: handler.name.path) == nil else {
                    throw TransportError(.alreadyExists, "two handlers for \(handler.name)")
                }
            }
            if let handler = service.datagramHandler {
                guard datagramHandler == nil else {
                    throw TransportError(.alreadyExists, "two services take datagrams")
                }
                datagramHandler = handler
            }
        }
    }

    /// The handler for a path such as `/dag.DAGService/SubmitTransaction`.
    public func handler(forPath path: String) -> MethodHandler? { byPath[path] }

    /// Whether any method of `service` is served.
    public func hasService(_ service: String) -> Bool { byPath.values.contains { $0.name.service == service } }

    /// Every handler, in no particular order.
    public var handlers: [MethodHandler] { Array(byPath.values) }

    /// The same table with each handler replaced by what `transform` makes of it.
    public func mapHandlers(_ transform: (MethodHandler) -> MethodHandler) -> ServiceTable {
        var copy = self
        copy.byPath = byPath.mapValues(transform)
        return copy
    }
}
