internal import EventLoops
internal import GRPCCalls
internal import HTTP2Engine
internal import NodeTransport
internal import TransportTLS

/// A connection that a listener accepted. It lives on one event loop.
actor ServerConnection: WireConnection {
    /// How far the connection is on its way out.
    enum Phase {
        /// TLS, and then the client's preface and SETTINGS, are awaited.
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
    let configuration: GRPCTransport.Configuration
    let methods: ServerMethods
    let owner: any ServerConnectionOwner

    let wire: HTTP2Wire
    let port: ServerCallPort
    let callContext: ServerCallContext
    var phase = Phase.handshaking
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var streams: [ServerCallState?] = []
    let timer = LoopTimer()
    var keepAlive: KeepAlive?
    var closeWaiters: [Suspension<Void>] = []

    /// The metadata of the last call whose only field was this one: `user-agent`, as a rule.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var repeatedMetadata: RequestHead.Repeated?

    init(
        loop: EventLoop, descriptor: Int32, remoteEndpoint: Endpoint, methods: ServerMethods,
        configuration: GRPCTransport.Configuration, tls: TLSSession?, owner: any ServerConnectionOwner
    ) {
        self.loop = loop
        self.remoteEndpoint = remoteEndpoint
        self.methods = methods
        self.configuration = configuration
        self.owner = owner
        wire = HTTP2Wire(
            loop: loop, descriptor: descriptor,
            engine: HTTP2Engine(role: .server, configuration: configuration.engine), tls: tls)
        port = ServerCallPort(wire, remoteEndpoint)
        callContext = ServerCallContext(wire: port, loop: loop, limits: configuration.callLimits)
    }

    // MARK: Life

    /// Begins to watch the socket.
    func start() {
        do {
            try startWire()
        } catch {
            close(TransportError(.unavailable, "the connection could not be started", cause: error, origin: .library))
        }
    }

    func becameReady() {
        guard case .handshaking = phase else { return }
        phase = .open
        port.peer = wire.tls?.peer
        startKeepAlive()
        if let auditEvent { owner.report(auditEvent) }
        owner.report(TransportEvent(.connectionAccepted, remoteEndpoint: remoteEndpoint))
        // The revocation may have come in the middle of the handshake.
        closeIfRevoked()
    }

    /// Refuses new calls; closes when those in flight have ended.
    func drain() {
        switch phase {
        case .handshaking: close(nil)
        case .open:
            phase = .announcing
            // The answer to the ping says that the client knows (RFC 9113 §6.8).
            wire.engine.shutdownNotice()
            wire.engine.ping(Self.drainPing)
            scheduleFlush()
        case .announcing, .draining, .closed: break
        }
    }

    /// The client knows that it should stop: whatever it sent before has arrived.
    func drainAcknowledged() {
        guard case .announcing = phase else { return }
        phase = .draining
        wire.engine.goAway(.noError, debug: "shutting down")
        scheduleFlush()
    }

    static let drainPing: UInt64 = 0x6472_6169_6e00_0001

    /// Closes at once; calls in flight are cut.
    func abort(_ reason: String) {
        guard !isClosed else { return }
        wire.engine.goAway(.noError, debug: reason)
        _ = try? unsafe wire.flush { _, _ in }
        close(TransportError(.unavailable, reason, origin: .local))
    }

    /// Closes the socket without a word to the client.
    func sever() {
        guard !isClosed else { return }
        wire.close(abruptly: true)
        close(TransportError(.unavailable, "the connection was severed", origin: .local))
    }

    var isAwaitingPeer: Bool {
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

    func close(_ error: TransportError?) {
        guard !isClosed else { return }
        let wasHandshaking = isAwaitingPeer
        phase = .closed
        loop.cancel(timer)
        wire.writeLast()
        wire.close()
        let failure = error ?? TransportError(.unavailable, "the connection is closed", origin: .library)
        for call in streams { call?.end(.failure(failure)) }
        let ended = exchange(&streams, with: [])
        withExtendedLifetime(ended) {}
        owner.connectionClosed(
            self,
            TransportEvent(
                wasHandshaking && error != nil ? .handshakeFailed : .connectionClosed, remoteEndpoint: remoteEndpoint,
                error: error))
        for waiter in closeWaiters { waiter.resume() }
        closeWaiters.removeAll()
    }

    func closeIfDrained() {
        guard case .draining = phase, wire.engine.openStreamCount == 0, !wire.hasOutput else { return }
        close(nil)
    }
}

/// Hears from a connection, on its loop.
protocol ServerConnectionOwner: AnyObject, Sendable {
    func report(_ event: TransportEvent)
    func connectionClosed(_ connection: ServerConnection, _ event: TransportEvent)
}
