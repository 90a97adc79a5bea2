internal import EventLoops
internal import GRPCCalls
internal import HTTP2Engine
internal import NodeTransport
internal import TransportTLS

/// What a client's and a server's connection have in common: an actor on a loop that owns a wire, flushes it once in
/// a turn, and keeps the time of the handshake and of the keep-alive.
protocol WireConnection: LoopActor, LoopEventHandler, LoopFlushable, LoopTimerHandler {
    var wire: HTTP2Wire { get }
    /// Where the peer is.
    nonisolated var remoteEndpoint: Endpoint { get }
    var timer: LoopTimer { get }
    var keepAlive: KeepAlive? { get set }
    var configuration: GRPCTransport.Configuration { get }
    /// TLS, or the peer's first SETTINGS, are awaited.
    var isAwaitingPeer: Bool { get }
    var isClosed: Bool { get }

    /// Reads what has arrived.
    func read()
    func process(_ events: inout HTTP2Events, _ input: UnsafeRawBufferPointer)
    func closeIfDrained()
    func close(_ error: TransportError?)
}

extension WireConnection {
    /// Begins to watch the socket, and the time that the handshake takes.
    func startWire() throws {
        try wire.register(self)
        try wire.start()
        loop.schedule(timer, for: self, after: configuration.handshakeTimeout)
        scheduleFlush()
    }

    /// What is wrong with the identity of a peer that has been accepted, and no reason to refuse it: an audit's finding.
    var auditEvent: TransportEvent? {
        guard let finding = wire.tls?.auditFinding else { return nil }
        return TransportEvent(
            .pinMismatch, remoteEndpoint: remoteEndpoint,
            error: TransportError(
                .unauthenticated, "accepted all the same, for pins are only audited", cause: finding, origin: .library))
    }

    /// Ends the connection of a peer that was revoked after it had been accepted.
    func closeIfRevoked() {
        guard !isClosed, wire.tls?.isPeerRevoked == true else { return }
        close(TransportError(.unauthenticated, "the peer's certificate has been revoked", origin: .local))
    }

    /// The handshake is over: the keep-alive's time begins.
    func startKeepAlive() {
        loop.cancel(timer)
        guard let policy = configuration.keepAlive else { return }
        keepAlive = KeepAlive(policy, now: loop.now)
        loop.schedule(timer, for: self, after: policy.interval)
    }

    func scheduleFlush() { wire.scheduleFlush() }

    private func writeOut() {
        guard !isClosed else { return }
        do {
            let needsAnotherTurn = try unsafe wire.flush { events, input in unsafe process(&events, input) }
            if needsAnotherTurn { scheduleFlush() }
            closeIfDrained()
        } catch {
            // A server that has gone may have said why, and which calls it has not processed: what has arrived comes first.
            if wire.engine.role == .client { read() }
            close(error)
        }
    }

    private func timeHasCome() {
        guard !isAwaitingPeer else {
            return close(
                TransportError(
                    .unavailable, "the handshake took longer than \(configuration.handshakeTimeout)", origin: .library,
                    processing: .notProcessed))
        }
        guard let next = keepAlive?.next(now: loop.now, lastReceive: wire.lastReceive) else { return }
        switch next {
        case .wait(let duration): loop.schedule(timer, for: self, after: duration)
        case .ping(let payload, let duration):
            wire.engine.ping(payload)
            scheduleFlush()
            loop.schedule(timer, for: self, after: duration)
        case .lost(let reason): close(TransportError(.unavailable, reason, origin: .library))
        }
    }

    // MARK: What the loop calls

    nonisolated func handle(_ events: LoopEvents) {
        onLoop(events) { connection, events in
            if events.hasAny(of: .writable) { connection.scheduleFlush() }
            if events.hasAny(of: .inputOrEnd) { connection.read() }
        }
    }

    nonisolated func flush() { onLoop(()) { connection, _ in connection.writeOut() } }

    nonisolated func timerFired(_ timer: LoopTimer) { onLoop { $0.timeHasCome() } }
}
