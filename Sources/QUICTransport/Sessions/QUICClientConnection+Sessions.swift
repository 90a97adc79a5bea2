internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables

// What is kept for the next connection.

extension QUICClientConnection {
    /// More tickets at once are of no use.
    private static let maximumPendingSessions = SessionCache.maximumPerServer

    nonisolated func received(_ session: QUICSession) { onLoop { $0.take(session) } }

    private func take(_ session: QUICSession) {
        guard sessions != nil else { return }
        if pendingSessions.count < Self.maximumPendingSessions { pendingSessions.append(session) }
        keepSessions()
    }

    /// Keeps the sessions that have come, once the server has said what HTTP/3 has to remember with them.
    func keepSessions() {
        guard let sessions, let address, let settings = wire?.http3.settingsToRemember else { return }
        for session in exchange(&pendingSessions, with: []) {
            sessions.put(
                KeptSession(session: session, settings: settings, address: address), for: endpoint.authority)
        }
    }

    nonisolated func received(token: Bytes) { onLoop { $0.sessions?.put(token: token, for: $0.endpoint.authority) } }
}

// Early data (0-RTT).

extension QUICClientConnection {
    /// The connection is given to its user, who may make idempotent calls before the server has answered.
    func beginEarly() {
        guard case .handshaking(let continuation) = phase else { return }
        phase = .early
        sendsEarly = true
        continuation?.resume()
    }

    nonisolated func wasAccepted() { onLoop { $0.settleEarlyCalls() } }

    /// The server has taken what was sent early; what it has not is in the queue by now.
    private func settleEarlyCalls() {
        for call in calls.all { call.settleEarly() }
    }

    nonisolated func earlyDataRejected() { onLoop { $0.repeatEarlyCalls() } }

    /// The server has not looked at what was sent early: its calls go first when the handshake is confirmed.
    private func repeatEarlyCalls() {
        sendsEarly = false
        // The engine that the fields belonged to is gone.
        commonHead = RequestFields(authority: endpoint.authority)
        methodFields = [:]
        let early = calls.removeAll()
        for call in early { call.requeue() }
        queue.insert(contentsOf: early.filter { !$0.isEnded }, at: 0)
    }

    /// Returns when the handshake is confirmed.
    ///
    /// - Throws: what the connection was closed with.
    nonisolated func waitUntilConfirmed() async throws {
        try await suspend { (continuation: Suspension<Void>) in
            loop.execute { self.onLoop { $0.addConfirmationWaiter(continuation) } }
        }
    }

    private func addConfirmationWaiter(_ continuation: Suspension<Void>) {
        guard case .early = phase else { return continuation.resume() }
        guard confirmationWaiters.count < configuration.maximumQueuedCalls else {
            return continuation.resume(
                throwing: TransportError(
                    .resourceExhausted, "the limit of \(configuration.maximumQueuedCalls) queued calls is reached",
                    processing: .notProcessed, endpoint: endpoint))
        }
        confirmationWaiters.append(continuation)
    }
}
