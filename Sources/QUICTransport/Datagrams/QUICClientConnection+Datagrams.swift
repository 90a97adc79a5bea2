internal import EventLoops
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import Synchronization

// Datagrams, beside a request that stays open.

extension QUICClientConnection {
    /// What a datagram may have; 0 where the server takes none.
    func updateDatagramLimit() {
        guard let wire, wire.http3.peerAllowsDatagrams else { return }
        datagramLimit.store(
            max(wire.quic.maxDatagramBytes - DatagramSession.maximumPrefixBytes, 0), ordering: .relaxed)
    }

    nonisolated var maximumDatagramBytes: Int? {
        let limit = datagramLimit.load(ordering: .relaxed)
        return limit > 0 ? limit : nil
    }

    nonisolated func sendDatagram(_ datagram: Bytes) async throws {
        guard let limit = maximumDatagramBytes else { throw noDatagrams }
        guard datagram.count <= limit else {
            throw TransportError(
                .invalidArgument, "a datagram of \(datagram.count) bytes is over the limit of \(limit) bytes",
                endpoint: endpoint)
        }
        if loop.isCurrent { return try onLoop { (connection) throws(TransportError) in try connection.send(datagram) } }
        try await suspend { (continuation: Suspension<Void>) in
            loop.execute {
                continuation.resume(
                    with: Result { () throws(TransportError) in
                        try self.onLoop { (connection) throws(TransportError) in try connection.send(datagram) }
                    })
            }
        }
    }

    nonisolated func receiveDatagram() async throws -> Bytes {
        guard maximumDatagramBytes != nil else { throw noDatagrams }
        // The server has nowhere to send to before there is a session.
        loop.execute { self.onLoop { _ = $0.openSession() } }
        return try await inbox.next()
    }

    private nonisolated var noDatagrams: TransportError {
        TransportError(.unimplemented, "the server takes no datagrams", endpoint: endpoint)
    }

    private func send(_ datagram: Bytes) throws(TransportError) {
        guard !isClosed, let wire else {
            throw TransportError(.unavailable, "the connection is \(phaseName)", endpoint: endpoint)
        }
        // Without a stream for the session, or once the server has refused it, datagrams are lost as they may be.
        guard let session = openSession() else {
            unsentDatagrams += 1
            return
        }
        _ = try? wire.quic.sendDatagram(session.frame(datagram))
        wire.driver.scheduleFlush()
    }

    private func openSession() -> DatagramSession? {
        if let session { return session }
        guard case .open = phase, let wire, let stream = try? wire.quic.openStream(isBidirectional: true) else {
            return nil
        }
        do throws(HTTP3SendError) {
            try wire.http3.submitRequest(
                stream: stream.id, prepared: commonHead.fields(path: DatagramSession.path), isFinal: false)
        } catch {
            wire.reset(stream.id, .requestCancelled)
            return nil
        }
        session = DatagramSession(stream: stream.id)
        wire.sourceHasData()
        return session
    }

    nonisolated func received(datagram: Bytes) { onLoop { $0.take(datagram) } }

    private func take(_ datagram: Bytes) {
        guard let received = HTTPDatagram(datagram) else {
            return failed(HTTP3Error(.datagramError, "a datagram without a stream"))
        }
        if received.stream == session?.stream { inbox.append(received.payload) }
    }
}
