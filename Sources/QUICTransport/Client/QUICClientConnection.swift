internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables
internal import Synchronization
internal import TransportTLS

/// A connection that this side made. It lives on one event loop, with a socket of its own.
actor QUICClientConnection: RevocableConnection {
    enum Phase {
        /// The server's verdict on this side, and its SETTINGS, are awaited.
        case handshaking(Suspension<Void>?)
        /// The same, but its user has it already: idempotent calls go out, others wait.
        case early
        case open
        /// No new calls; closes when those in flight have ended.
        case draining
        case closed
    }

    nonisolated let loop: EventLoop
    nonisolated let endpoint: Endpoint
    let configuration: QUICTransport.Configuration
    let policy: TLSPolicy
    let credentials: Credentials
    let sessions: SessionCache?
    nonisolated let states = ConnectionStateSource()
    nonisolated let verifiedPeer = Mutex<PeerIdentity?>(nil)

    var driver: QUICDriver?
    var wire: HTTP3Wire? {
        didSet { port.wire = wire }
    }
    nonisolated let port: ClientCallPort
    nonisolated let callContext: ClientCallContext
    var phase = Phase.handshaking(nil)
    let calls = StreamMap<ClientCallState>()
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var queue: [ClientCallState] = []
    var closeWaiters: [Suspension<Void>] = []
    /// The server has judged this side, and its SETTINGS have come.
    private(set) var isConfirmed = false

    // Sessions.
    /// Where the server is.
    var address: InternetAddress?
    /// Tickets that have come before the SETTINGS.
    var pendingSessions: [QUICSession] = []
    /// The server has not refused early data.
    var sendsEarly = false
    var confirmationWaiters: [Suspension<Void>] = []

    let timer = LoopTimer()
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var liveliness = Liveliness()
    /// What the kernel has reported since the last datagram came.
    var refusals = 0

    /// Its figures when it closed.
    var lastSnapshot: QUICTransportStatistics.ConnectionSnapshot?

    /// Plain requests under way.
    let exchanges = StreamMap<HTTP3Exchange>()

    // Datagrams.
    nonisolated let datagramLimit = Atomic<Int>(0)
    nonisolated let inbox: DatagramInbox
    var session: DatagramSession?
    /// Datagrams that there was no session for.
    var unsentDatagrams: UInt64 = 0

    // Fields that belong to this connection's engine.
    var commonHead: RequestFields
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var methodFields: [String: [PreparedField]] = [:]

    init(
        loop: EventLoop, endpoint: Endpoint, configuration: QUICTransport.Configuration, policy: TLSPolicy,
        credentials: Credentials, sessions: SessionCache?
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.configuration = configuration
        self.policy = policy
        self.credentials = credentials
        self.sessions = sessions
        inbox = DatagramInbox(limitBytes: configuration.datagramQueueBytes)
        commonHead = RequestFields(authority: endpoint.authority)
        port = ClientCallPort()
        callContext = ClientCallContext(wire: port, loop: loop, endpoint: endpoint, limits: configuration.callLimits)
        port.connection = self
    }

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
                try? await self.loop.sleep(for: grace)
                self.loop.execute { self.onLoop { $0.close(nil) } }
            }
            await drainAndWait()
            group.cancelAll()
        }
    }

    private func drainAndWait() async {
        drain("closed by this side")
        closeIfDrained()
        guard !isClosed else { return }
        try? await suspend { closeWaiters.append($0) }
    }

    // MARK: Life

    func becameReady() {
        guard !isConfirmed, !isClosed, let wire else { return }
        isConfirmed = true
        let acceptance = wire.quic.verifiedPeer as? CertificateVerifier.Acceptance
        verifiedPeer.withLock { $0 = acceptance?.peer }
        if let finding = acceptance?.finding {
            credentials.countAuditedMismatch()
            configuration.onEvent?(TransportEvent(auditFinding: finding, endpoint))
        }
        startTicking()
        updateDatagramLimit()
        configuration.book?.add(self)
        let before = phase
        switch before {
        case .handshaking, .early:
            phase = .open
            states.update(.ready)
        case .open, .draining, .closed: break
        }
        if case .handshaking(let continuation) = before {
            continuation?.resume()
            return
        }
        // The user has had the connection for a while.
        closeIfRevoked()
        for waiter in exchange(&confirmationWaiters, with: []) { waiter.resume() }
        openQueued()
    }

    func drain(_ reason: String) {
        switch phase {
        case .open, .early:
            phase = .draining
            states.update(.draining(reason))
        case .handshaking: close(TransportError(.unavailable, reason, processing: .notProcessed))
        case .draining, .closed: break
        }
    }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    var isHandshaking: Bool {
        if case .handshaking = phase { true } else { false }
    }

    /// Ends the connection of a peer that was revoked after it had been accepted.
    func closeIfRevoked() {
        // What a connection with early data goes by until its handshake is over.
        let expected = (wire?.quic.verifiedPeer as? CertificateVerifier.Acceptance)?.peer
        guard !isClosed, let peer = peer ?? expected, credentials.isRevoked(peer) else { return }
        close(TransportError(.unauthenticated, "the peer's certificate has been revoked", origin: .local))
    }

    /// Closes at once. The error is what calls in flight fail with; nil for an orderly end.
    func close(_ error: TransportError?, code: HTTP3ErrorCode = .noError) {
        guard !isClosed else { return }
        let before = phase
        phase = .closed
        loop.cancel(timer)
        closeBook()
        wire?.close(code, error == nil ? "" : error?.message ?? "")
        wire?.detach()
        driver?.finish()
        let located = error?.at(endpoint)
        let failure =
            located ?? TransportError(.unavailable, "the connection is closed", origin: .local, endpoint: endpoint)
        // Before anyone is resumed who might look.
        states.update(.closed(located))
        // What was sent early may have been processed, whatever became of the handshake.
        let inFlight = isConfirmed ? failure : failure.with(processing: .unknown)
        for call in calls.removeAll() { call.fail(inFlight) }
        for request in exchanges.removeAll() { request.fail(failure) }
        inbox.close(with: failure)
        failQueue(failure)
        if case .handshaking(let continuation) = before { continuation?.resume(throwing: failure) }
        for waiter in exchange(&confirmationWaiters, with: []) { waiter.resume(throwing: failure) }
        for waiter in exchange(&closeWaiters, with: []) { waiter.resume() }
        wire = nil
        driver = nil
        port.connection = nil
    }

    var phaseName: String {
        switch phase {
        case .handshaking, .early: "connecting"
        case .open: "ready"
        case .draining: "draining"
        case .closed:
            if case .closed(let error?) = state { "closed (\(error.message))" } else { "closed" }
        }
    }

    func failQueue(_ failure: TransportError) {
        let refused = failure.with(processing: .notProcessed)
        for call in exchange(&queue, with: []) { call.fail(refused) }
    }

    func closeIfDrained() {
        guard case .draining = phase, calls.isEmpty, queue.isEmpty, exchanges.isEmpty else { return }
        close(nil)
    }
}

extension TransportError {
    /// The same, but for what became of the call.
    fileprivate func with(processing: Processing) -> TransportError {
        TransportError(code, message, cause: cause, origin: origin, processing: processing, endpoint: endpoint)
    }
}
