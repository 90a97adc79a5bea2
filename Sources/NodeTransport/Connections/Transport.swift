/// A way to reach peers and to be reached: gRPC over HTTP/2, gRPC over QUIC, memory, or a wrapper
/// that adds retry, interceptors or balancing to another transport.
///
/// Code above this module knows only this protocol; which transport it runs on is one line in
/// `main`.
public protocol Transport: Sendable {
    /// Connects to `endpoint`, and returns when calls can be made.
    ///
    /// - Throws: ``TransportError``: ``StatusCode/unavailable`` when the peer cannot be reached,
    ///   ``StatusCode/unauthenticated`` when the peer's or our identity is refused,
    ///   ``StatusCode/invalidArgument`` for an endpoint of another transport,
    ///   ``StatusCode/failedPrecondition`` after ``shutdown(within:)``.
    func connect(to endpoint: Endpoint) async throws -> any Connection

    /// Listens on `endpoint` and serves `table` until the listener or the transport is shut down.
    ///
    /// - Throws: ``TransportError`` when the address cannot be bound, with the operating system's reason.
    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener

    /// Shuts down every listener and connection of this transport: no new calls, those in flight may finish for
    /// at most `grace`.
    func shutdown(within grace: Duration) async
}

/// A bound address at which calls are served.
public protocol Listener: Sendable {
    /// Where it listens, with the port that it got.
    var endpoint: Endpoint { get }

    /// Stops accepting, tells peers, lets calls in flight finish for at most `grace`, then closes.
    func shutdown(within grace: Duration) async
}

extension Transport {
    /// Connects to the endpoint in `text`, for example `grpc://127.0.0.1:50051`.
    ///
    /// - Throws: as ``connect(to:)-(Endpoint)``, and for text that is not an endpoint.
    public func connect(to text: String) async throws -> any Connection {
        try await connect(to: Endpoint(parsing: text))
    }

    /// Listens on the endpoint in `text`, for example `grpc://127.0.0.1:0`, and serves `services`.
    ///
    /// - Throws: as ``listen(on:serving:)``, for text that is not an endpoint, and when two services have the
    ///   same method.
    public func listen(on text: String, services: [any Service]) async throws -> any Listener {
        try await listen(on: Endpoint(parsing: text), serving: ServiceTable(services))
    }

    /// Listens on `endpoint` and serves `services`.
    public func listen(on endpoint: Endpoint, services: [any Service]) async throws -> any Listener {
        try await listen(on: endpoint, serving: ServiceTable(services))
    }

    /// Shuts down with ten seconds for the calls in flight.
    public func shutdown() async { await shutdown(within: .seconds(10)) }
}

extension Connection {
    /// Closes with ten seconds for the calls in flight.
    public func close() async { await close(within: .seconds(10)) }
}
