/// A transport that runs interceptors around the calls of another.
struct InterceptedTransport<Base: Transport>: Transport {
    let base: Base
    let client: [any ClientInterceptor]
    let server: [any ServerInterceptor]

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let connection = try await base.connect(to: endpoint)
        // The last interceptor stands next to the transport.
        return client.reversed().reduce(connection) { InterceptedConnection(base: $0, interceptor: $1) }
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        let intercepted = table.mapHandlers { handler in
            server.reversed().reduce(handler) { Self.wrap($0, in: $1) }
        }
        return try await base.listen(on: endpoint, serving: intercepted)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }

    private static func wrap(_ handler: MethodHandler, in interceptor: any ServerInterceptor) -> MethodHandler {
        var wrapped = handler
        switch handler.body {
        case .unary(let body):
            wrapped.body = .unary { request, context in
                try await interceptor.unary(request, context, next: body)
            }
        case .stream(let body):
            wrapped.body = .stream { context in try await interceptor.stream(context, next: body) }
        }
        return wrapped
    }
}

/// A connection that runs one interceptor around the calls of another.
struct InterceptedConnection: Connection, PeerChoosing {
    let base: any Connection
    let interceptor: any ClientInterceptor

    var endpoint: Endpoint { base.endpoint }
    var peer: PeerIdentity? { base.peer }
    var state: ConnectionState { base.state }
    var executor: (any TaskExecutor)? { base.executor }
    var maximumDatagramBytes: Int? { base.maximumDatagramBytes }
    var choosesPeers: Bool { (base as? any PeerChoosing)?.choosesPeers ?? false }

    func stateUpdates() -> AsyncStream<ConnectionState> { base.stateUpdates() }

    func open(_ head: CallHead) async throws -> any ClientCall {
        try await interceptor.stream(head) { try await base.open($0) }
    }

    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        try await interceptor.unary(head, request) { try await base.unary($0, $1) }
    }

    func sendDatagram(_ datagram: Bytes) async throws { try await base.sendDatagram(datagram) }
    func receiveDatagram() async throws -> Bytes { try await base.receiveDatagram() }
    func close(within grace: Duration) async { await base.close(within: grace) }
}
