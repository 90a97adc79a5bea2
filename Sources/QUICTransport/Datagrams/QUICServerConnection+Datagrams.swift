internal import EventLoops
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine

// Datagrams of a client that has opened a session for them.

extension QUICServerConnection {
    /// How many handlers of one connection run at a time; further datagrams are dropped, and counted.
    private static let maximumHandlers = 256

    /// How many datagrams of one connection wait for their request, and how many bytes; further ones are dropped.
    private static let (maximumHeld, maximumHeldBytes) = (16, 32_768)

    /// Answers the request that opens the session; it stays open.
    func openSession(_ id: Int64) -> Bool {
        guard owner.datagramHandler != nil, session == nil else { return false }
        session = DatagramSession(stream: id)
        port.acceptSession(id)
        for datagram in earlyDatagrams.take() ?? [] { take(datagram) }
        return true
    }

    /// The session must not keep a connection open that is to end.
    func closeSession() {
        guard let session else { return }
        self.session = nil
        port.endSession(session.stream)
    }

    nonisolated func received(datagram: Bytes) { onLoop { $0.take(datagram) } }

    private func take(_ datagram: Bytes) {
        guard let received = HTTPDatagram(datagram) else {
            return failed(HTTP3Error(.datagramError, "a datagram without a stream"))
        }
        guard !isEarly, let handler = owner.datagramHandler else { return }
        guard let session else { return hold(datagram) }
        guard received.stream == session.stream else { return }
        guard runningHandlers < Self.maximumHandlers else {
            refusedDatagrams += 1
            return
        }
        runningHandlers += 1
        let context = DatagramContext(peer: port.peer, remoteEndpoint: remoteEndpoint)
        // Ends by itself: a handler has no more to wait for than its own work.
        Task.immediate(executorPreference: loop.taskExecutor) {
            let answer = await handler(received.payload, context)
            self.loop.execute { self.onLoop { $0.handled(answer) } }
        }
    }

    /// Keeps what comes before the request that it stands beside (RFC 9297 §2): a client's first datagram leaves in the
    /// same packet, or in one before it.
    private func hold(_ datagram: Bytes) {
        guard let held = earlyDatagrams?.reduce(0, { $0 + $1.count }), held + datagram.count <= Self.maximumHeldBytes,
            earlyDatagrams?.count ?? 0 < Self.maximumHeld
        else { return }
        earlyDatagrams?.append(datagram)
    }

    private func handled(_ answer: Bytes?) {
        runningHandlers -= 1
        guard !isClosed, let answer, let session else { return }
        _ = try? wire.quic.sendDatagram(session.frame(answer))
        wire.driver.scheduleFlush()
    }
}
