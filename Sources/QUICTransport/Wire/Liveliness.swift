internal import EventLoops
internal import NodeTransport
internal import QUICEngine
internal import StreamTables

/// Decides, from time to time, whether QUIC is to keep a connection alive, and whether the peer is still there.
struct Liveliness {
    private var lastCount: UInt64 = 0
    private var lastReceive: Int64 = 0
    private var interval: QUICTime?

    /// How often to ask.
    static func period(_ configuration: QUICTransport.Configuration) -> Duration {
        var period = configuration.idleTimeout / 3
        if let policy = configuration.keepAlive { period = min(period, policy.interval, policy.timeout) }
        return max(period, .milliseconds(10))
    }

    /// Sets the pings for what the connection does now; false when the peer has not answered them.
    mutating func check(
        _ quic: QUICConnection, isBusy: Bool, _ configuration: QUICTransport.Configuration, now: Int64
    ) -> Bool {
        let count = quic.statistics.datagramsReceived
        if count != lastCount || lastReceive == 0 {
            lastCount = count
            lastReceive = now
        }
        var wanted: QUICTime?
        if let policy = configuration.keepAlive {
            wanted = QUICTime(max(policy.interval.clampedNanoseconds, 1))
        } else if isBusy {
            wanted = QUICTime(max((configuration.idleTimeout / 3).clampedNanoseconds, 1))
        }
        if wanted != interval {
            interval = wanted
            quic.keepAlive(every: wanted)
        }
        guard let policy = configuration.keepAlive else { return true }
        let patience = policy.interval + policy.timeout
        return now - lastReceive <= patience.clampedNanoseconds
    }
}

extension QUICClientConnection: LoopTimerHandler {
    /// The handshake is over: from now on the timer looks after the connection's life.
    func startTicking() {
        _ = wire.map { liveliness.check($0.quic, isBusy: false, configuration, now: loop.now) }
        loop.schedule(timer, for: self, after: Liveliness.period(configuration))
    }

    nonisolated func timerFired(_ timer: LoopTimer) { onLoop { $0.tick() } }

    private func tick() {
        guard let wire else { return }
        guard isConfirmed else {
            return close(
                TransportError(
                    .unavailable, "the handshake took longer than \(configuration.handshakeTimeout)", origin: .library,
                    processing: .notProcessed))
        }
        // Calls that only wait for a stream count too: after a change of this side's address by a translator, the server's
        // word that there is room goes nowhere until it hears from here.
        let isBusy = !(calls.isEmpty && queue.isEmpty && exchanges.isEmpty)
        guard liveliness.check(wire.quic, isBusy: isBusy, configuration, now: loop.now) else {
            return close(.lost(configuration))
        }
        updateDatagramLimit()
        driver?.scheduleFlush()
        loop.schedule(timer, for: self, after: Liveliness.period(configuration))
    }
}

extension TransportError {
    /// Keep-alive has found a connection dead.
    static func lost(_ configuration: QUICTransport.Configuration) -> TransportError {
        let patience = configuration.keepAlive.map { " within \($0.timeout)" } ?? ""
        return TransportError(.unavailable, "the peer did not answer a keep-alive ping\(patience)", origin: .library)
    }
}
