internal import EventLoops
internal import GRPCCalls
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization
internal import TransportTLS

/// A connection that this side made. It lives on one event loop.
actor ClientConnection: WireConnection, RevocableConnection {
    enum Phase {
        /// TLS, and then the server's SETTINGS, are awaited.
        case handshaking(Suspension<Void>?)
        case open
        /// No new calls; closes when those in flight have ended.
        case draining
        case closed
    }

    nonisolated let loop: EventLoop
    nonisolated let endpoint: Endpoint
    let configuration: GRPCTransport.Configuration
    nonisolated let states = ConnectionStateSource()

    nonisolated let verifiedPeer = Mutex<PeerIdentity?>(nil)

    let wire: HTTP2Wire
    private nonisolated let port: ClientCallPort
    nonisolated let callContext: ClientCallContext
    var phase = Phase.handshaking(nil)
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var streams: [ClientCallState?] = []
    @safe @exclusivity(unchecked) var queue: [ClientCallState] = []
    let timer = LoopTimer()
    var keepAlive: KeepAlive?
    var closeWaiters: [Suspension<Void>] = []

    // Fields that belong to this connection's engine.
    let commonHead: RequestFields
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var methodFields: [String: [PreparedField]] = [:]

    init(
        loop: EventLoop, descriptor: Int32, endpoint: Endpoint, configuration: GRPCTransport.Configuration,
        tls: TLSSession?
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.configuration = configuration
        commonHead = RequestFields(authority: endpoint.authority, isSecure: tls != nil)
        wire = HTTP2Wire(
            loop: loop, descriptor: descriptor,
            engine: HTTP2Engine(role: .client, configuration: configuration.engine), tls: tls)
        port = ClientCallPort(wire)
        callContext = ClientCallContext(
            wire: port, loop: loop, endpoint: endpoint, limits: configuration.callLimits)
        port.connection = self
    }

    nonisolated var remoteEndpoint: Endpoint { endpoint }
    nonisolated var peer: PeerIdentity? { verifiedPeer.withLock { $0 } }
    nonisolated var state: ConnectionState { states.state }
    nonisolated func stateUpdates() -> AsyncStream<ConnectionState> { states.updates() }
    nonisolated var executor: (any TaskExecutor)? { loop.taskExecutor }

    // MARK: Calls, from any thread

    nonisolated func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        let call = newCall(head)
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                if loop.isCurrent {
                    onLoop((call, request, continuation)) { $0.startUnary($1.0, $1.1, $1.2) }
                } else {
                    loop.execute { self.onLoop { $0.startUnary(call, request, continuation) } }
                }
            }
        } onCancel: {
            loop.execute { call.cancel() }
        }
    }

    nonisolated func open(_ head: CallHead) async throws -> any ClientCall {
        let call = newCall(head)
        // A call that cannot begin fails here rather than at its first message.
        if loop.isCurrent {
            onLoop { $0.begin(call) }
            if case .ended(let result) = call.phase { try result.get() }
        } else {
            try await suspend { (continuation: Suspension<Void>) in
                loop.execute {
                    self.onLoop { $0.begin(call) }
                    if case .ended(let result) = call.phase {
                        continuation.resume(with: result)
                    } else {
                        continuation.resume()
                    }
                }
            }
        }
        return StreamingClientCall(call)
    }

    private nonisolated func newCall(_ head: CallHead) -> ClientCallState {
        ClientCallState(head: head, context: callContext)
    }

    nonisolated func close(within grace: Duration) async {
        await withTaskGroup { group in
            group.addTask {
                // Also when the caller's task is cancelled; does nothing to a connection that has drained.
                try? await Task.sleep(for: grace)
                self.loop.execute { self.onLoop { $0.close(nil) } }
            }
            await drainAndWait()
            group.cancelAll()
        }
    }

    func drainAndWait() async {
        drain("closed by this side")
        closeIfDrained()
        guard !isClosed else { return }
        try? await suspend { closeWaiters.append($0) }
    }

    // MARK: Life

    /// Performs the handshakes and waits for the server's SETTINGS, which prove that it accepted this side.
    func handshake() async throws {
        try await suspend { (continuation: Suspension<Void>) in
            // The task may have been cancelled before it came here.
            guard !isClosed else { return continuation.resume(throwing: abandonment) }
            phase = .handshaking(continuation)
            do {
                try startWire()
            } catch {
                close(
                    TransportError(
                        .unavailable, "the connection could not be started", cause: error, origin: .library,
                        processing: .notProcessed))
            }
        }
    }

    /// Gives up a connection that nobody waits for any more.
    func abandon() {
        guard case .handshaking = phase else { return }
        close(abandonment)
    }

    private var abandonment: TransportError {
        TransportError(.cancelled, "the task was cancelled", processing: .notProcessed, endpoint: endpoint)
    }

    func becameReady() {
        guard case .handshaking(let continuation) = phase else { return }
        phase = .open
        verifiedPeer.withLock { $0 = wire.tls?.peer }
        startKeepAlive()
        if let auditEvent { configuration.onEvent?(auditEvent) }
        states.update(.ready)
        continuation?.resume()
    }

    func drain(_ reason: String) {
        switch phase {
        case .open:
            phase = .draining
            states.update(.draining(reason))
        case .handshaking: close(TransportError(.unavailable, reason, processing: .notProcessed))
        case .draining, .closed: break
        }
    }

    var isAwaitingPeer: Bool {
        if case .handshaking = phase { true } else { false }
    }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    func close(_ error: TransportError?) {
        guard !isClosed else { return }
        let before = phase
        var error = error
        if case .handshaking = before { error = error?.ofHandshake }
        phase = .closed
        loop.cancel(timer)
        if error == nil, !wire.isHandshaking { wire.engine.goAway(.noError) }
        wire.writeLast()
        wire.close()
        let located = error?.at(endpoint)
        let failure =
            located ?? TransportError(.unavailable, "the connection is closed", origin: .local, endpoint: endpoint)
        // Before anyone is resumed who might look.
        states.update(.closed(located))
        for call in streams { call?.fail(failure) }
        let ended = exchange(&streams, with: [])
        withExtendedLifetime(ended) {}
        failQueue(failure)
        if case .handshaking(let continuation) = before { continuation?.resume(throwing: failure) }
        for waiter in closeWaiters { waiter.resume() }
        closeWaiters.removeAll()
        port.connection = nil
    }

    var phaseName: String {
        switch phase {
        case .handshaking: "connecting"
        case .open: "ready"
        case .draining: "draining"
        case .closed:
            if case .closed(let error?) = state { "closed (\(error.message))" } else { "closed" }
        }
    }

    func failQueue(_ failure: TransportError) {
        let refused = TransportError(
            failure.code, failure.message, cause: failure.cause, origin: failure.origin, processing: .notProcessed,
            endpoint: endpoint)
        for call in exchange(&queue, with: []) { call.fail(refused) }
    }

    func closeIfDrained() {
        guard case .draining = phase, wire.engine.openStreamCount == 0, queue.isEmpty, !wire.hasOutput else { return }
        close(nil)
    }
}
