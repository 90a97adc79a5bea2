internal import EventLoops
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine

// Datagrams of a client that has opened a session for them.

extension QUICServerConnection {
    /// How many handlers of one connection run at a time; further datagrams are dropped, and counted.
    private static let maximumHandlers = 256

    /// Answers the request that opens the session; it stays open.
    func openSession(_ id: Int64) -> Bool {
        guard owner.datagramHandler != nil, session == nil else { return false }
        session = DatagramSession(stream: id)
        port.acceptSession(id)
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
        guard !isEarly, let session, received.stream == session.stream, let handler = owner.datagramHandler else {
            return
        }
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

    private func handled(_ answer: Bytes?) {
        runningHandlers -= 1
        guard !isClosed, let answer, let session else { return }
        _ = try? wire.quic.sendDatagram(session.frame(answer))
        wire.driver.scheduleFlush()
    }
}
