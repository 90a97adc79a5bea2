internal import NodeTransport

/// A transport that answers at once, so that only what is around it costs anything.
struct NullTransport: Transport {
    func connect(to endpoint: Endpoint) async throws -> any Connection { NullConnection(endpoint: endpoint) }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        throw TransportError(.unimplemented, "nothing can be reached here")
    }

    func shutdown(within grace: Duration) async {}
}

private struct NullConnection: Connection {
    let endpoint: Endpoint
    var peer: PeerIdentity? { nil }
    var state: ConnectionState { .ready }

    /// Never changes.
    func stateUpdates() -> AsyncStream<ConnectionState> {
        AsyncStream { continuation in continuation.yield(.ready) }
    }

    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply { UnaryReply(message: request) }

    func open(_ head: CallHead) async throws -> any ClientCall {
        throw TransportError(.unimplemented, "only unary calls")
    }

    func close(within grace: Duration) async {}
}
