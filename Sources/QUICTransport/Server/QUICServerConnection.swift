internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables
internal import TransportTLS

/// A connection that a listener accepted. It lives on one event loop.
actor QUICServerConnection: LoopActor {
    /// How far the connection is on its way out.
    enum Phase {
        /// The handshake, and then the client's SETTINGS, are awaited.
        case handshaking
        case open
        /// The client has been told to stop; what it sends until it knows is still served.
        case announcing
        /// The client knows. Calls in flight go on, then the connection closes.
        case draining
        case closed
    }

    nonisolated let loop: EventLoop
    nonisolated let remoteEndpoint: Endpoint
    let configuration: QUICTransport.Configuration
    let policy: TLSPolicy
    let methods: ServerMethods
    let owner: QUICListener

    let wire: HTTP3Wire
    let port: ServerCallPort
    let callContext: ServerCallContext
    var phase = Phase.handshaking
    var closeWaiters: [Suspension<Void>] = []
    let timer = LoopTimer()
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var liveliness = Liveliness()

    /// Calls in early data that must wait for the end of the handshake.
    var heldCalls: [ServerCallState] = []

    /// Its figures when it closed.
    var lastSnapshot: QUICTransportStatistics.ConnectionSnapshot?

    /// Plain requests under way.
    let exchanges = StreamMap<HTTP3Exchange>()
    /// How many of their handlers run, also of those whose client has given up.
    var runningRoutes = 0

    // Datagrams.
    var session: DatagramSession?
    /// Those that came before the session was there; nil since it has been.
    var earlyDatagrams: [Bytes]? = []
    var runningHandlers = 0
    /// Datagrams for which too many handlers ran.
    var refusedDatagrams: UInt64 = 0

    /// The metadata of the last call whose only field was this one: `user-agent`, as a rule.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var repeatedMetadata: RequestHead.Repeated?

    init(
        wire: HTTP3Wire, remoteEndpoint: Endpoint, methods: ServerMethods, configuration: QUICTransport.Configuration,
        policy: TLSPolicy, owner: QUICListener
    ) {
        loop = wire.driver.loop
        self.wire = wire
        port = ServerCallPort(wire, remoteEndpoint)
        callContext = ServerCallContext(wire: port, loop: loop, limits: configuration.callLimits)
        self.remoteEndpoint = remoteEndpoint
        self.methods = methods
        self.configuration = configuration
        self.policy = policy
        self.owner = owner
    }

    // MARK: Life

    func start() {
        wire.attach(self)
        loop.schedule(timer, for: self, after: configuration.handshakeTimeout)
    }

    /// The client has been judged: from here on its requests are read.
    func noteAcceptance() {
        guard let acceptance = wire.quic.verifiedPeer as? CertificateVerifier.Acceptance else { return }
        port.peer = acceptance.peer
        guard let finding = acceptance.finding else { return }
        owner.credentials.countAuditedMismatch()
        owner.report(TransportEvent(auditFinding: finding, remoteEndpoint))
    }

    func becameReady() {
        guard case .handshaking = phase else { return }
        phase = .open
        configuration.book?.add(self)
        owner.report(TransportEvent(.connectionAccepted, remoteEndpoint: remoteEndpoint))
        _ = liveliness.check(wire.quic, isBusy: false, configuration, now: loop.now)
        loop.schedule(timer, for: self, after: Liveliness.period(configuration))
        // The revocation may have come in the middle of the handshake.
        closeIfRevoked()
    }

    func closeIfRevoked() {
        guard !isClosed, let peer = port.peer, owner.credentials.isRevoked(peer) else { return }
        close(TransportError(.unauthenticated, "the peer's certificate has been revoked", origin: .local))
    }

    /// Refuses new calls; closes when those in flight have ended.
    func drain() {
        switch phase {
        case .handshaking: close(nil)
        case .open:
            phase = .announcing
            closeSession()
            // Its acknowledgement says that the client knows (RFC 9114 §5.2).
            wire.announceShutdown()
        case .announcing, .draining, .closed: break
        }
    }

    /// The client knows that it should stop: whatever it sent before has arrived, or is told to be repeated.
    func drainAcknowledged() {
        guard case .announcing = phase else { return }
        phase = .draining
        wire.finishShutdown()
        closeIfDrained()
    }

    /// Closes at once; calls in flight are cut.
    func abort(_ reason: String) { close(TransportError(.unavailable, reason, origin: .local)) }

    var isHandshaking: Bool {
        if case .handshaking = phase { true } else { false }
    }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    /// Returns when the connection is closed.
    func waitUntilClosed() async {
        guard !isClosed else { return }
        try? await suspend { closeWaiters.append($0) }
    }

    func close(_ error: TransportError?, code: HTTP3ErrorCode = .noError) {
        guard !isClosed else { return }
        let wasHandshaking = isHandshaking
        phase = .closed
        loop.cancel(timer)
        closeBook()
        wire.close(code, error?.message ?? "")
        wire.detach()
        let failure = error ?? TransportError(.unavailable, "the connection is closed", origin: .library)
        for call in port.calls.removeAll() { call.end(.failure(failure)) }
        for request in exchanges.removeAll() { request.fail(failure) }
        owner.connectionClosed(
            self,
            TransportEvent(
                wasHandshaking && error != nil ? .handshakeFailed : .connectionClosed, remoteEndpoint: remoteEndpoint,
                error: error))
        for waiter in exchange(&closeWaiters, with: []) { waiter.resume() }
        heldCalls = []
        port.wire = nil
    }

    func closeIfDrained() {
        guard case .draining = phase, wire.http3.openStreamCount == 0 else { return }
        close(nil)
    }
}

extension QUICServerConnection: LoopTimerHandler {
    nonisolated func timerFired(_ timer: LoopTimer) { onLoop { $0.tick() } }

    private func tick() {
        guard !isClosed else { return }
        guard !isHandshaking else {
            return close(
                TransportError(
                    .unavailable, "the handshake took longer than \(configuration.handshakeTimeout)", origin: .library,
                    processing: .notProcessed))
        }
        guard
            liveliness.check(
                wire.quic, isBusy: !(port.calls.isEmpty && exchanges.isEmpty), configuration, now: loop.now)
        else {
            return close(.lost(configuration))
        }
        wire.driver.scheduleFlush()
        loop.schedule(timer, for: self, after: Liveliness.period(configuration))
    }
}
