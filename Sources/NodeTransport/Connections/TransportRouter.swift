/// Several transports as one: the scheme of an endpoint chooses which is used.
///
/// A node that is reached over one wire by some and over another by others listens and connects through one of these.
public struct TransportRouter: Transport {
    private let transports: [Endpoint.Scheme: any Transport]

    /// - Parameter transports: The transport for each scheme; one may stand for several.
    public init(_ transports: [Endpoint.Scheme: any Transport]) {
        self.transports = transports
    }

    /// - Throws: As the transport for the endpoint's scheme; ``StatusCode/invalidArgument`` when there is none.
    public func connect(to endpoint: Endpoint) async throws -> any Connection {
        try await transport(for: endpoint).connect(to: endpoint)
    }

    /// - Throws: As the transport for the endpoint's scheme; ``StatusCode/invalidArgument`` when there is none.
    public func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await transport(for: endpoint).listen(on: endpoint, serving: table)
    }

    /// Shuts all of them down at the same time.
    public func shutdown(within grace: Duration) async {
        await withDiscardingTaskGroup { group in
            for transport in transports.values { group.addTask { await transport.shutdown(within: grace) } }
        }
    }

    private func transport(for endpoint: Endpoint) throws(TransportError) -> any Transport {
        if let transport = transports[endpoint.scheme] { return transport }
        let known = transports.keys.map(\.rawValue).sorted().joined(separator: ", ")
        throw TransportError(
            .invalidArgument, "there is no transport for \(endpoint.scheme.rawValue)://, only for \(known)",
            processing: .notProcessed, endpoint: endpoint)
    }
}
