internal import CNGTCP2
package import NodeTransport

extension QUICConnection {
    /// Moves a client's end to another local address (RFC 9000 §9). Once the handshake is confirmed.
    ///
    /// - Parameter isImmediate: use the new path at once, as when the old one is gone; otherwise when it has proved to work.
    /// - Throws: ``QUICError`` with ``QUICError/Code/noConnectionID`` when the peer has given no spare ID yet, and
    ///   ``QUICError/Code/invalidState`` when the connection or the peer does not allow it.
    package func migrate(to local: QUICAddress, isImmediate: Bool, now: QUICTime) throws(QUICError) {
        guard let handle = unsafe handle, !isServer, isHandshakeConfirmed else {
            throw QUICError(.invalidState, "only an open connection's client migrates")
        }
        var target = QUICPath(local: local, remote: path.remote).raw
        switch unsafe Int(cngtcp2_migrate(handle, &target, isImmediate, now)) {
        case Int(CNGTCP2_OK): break
        case Int(CNGTCP2_CONNECTION_ID_BLOCKED):
            throw QUICError(.noConnectionID, "the peer has given no spare connection ID")
        default: throw QUICError(.invalidState, "the connection cannot migrate now")
        }
        if isImmediate {
            path = QUICPath(local: local, remote: path.remote)
            blackHoles.pathChanged()
            core.emit(.pathChanged(self, path))
        }
        core.markReady(self)
    }

    /// Changes the keys (RFC 9001 §6).
    ///
    /// - Throws: ``QUICError`` with ``QUICError/Code/invalidState`` before the handshake is confirmed, or too soon after
    ///   the last change.
    package func initiateKeyUpdate(now: QUICTime) throws(QUICError) {
        guard let handle = unsafe handle, isHandshakeConfirmed, unsafe cngtcp2_update_key(handle, now) == CNGTCP2_OK
        else {
            throw QUICError(.invalidState, "the keys cannot be changed now")
        }
        core.markReady(self)
    }

    /// Sends a PING when nothing else was received for `interval`; nil for never.
    package func keepAlive(every interval: QUICTime?) {
        guard let handle = unsafe handle else { return }
        unsafe cngtcp2_set_keep_alive(handle, interval ?? 0)
        core.markReady(self)
    }

    // MARK: Datagrams

    /// The largest datagram that can be sent now; 0 when the peer takes none, or has not said so yet.
    package var maxDatagramBytes: Int {
        guard let handle = unsafe handle else { return 0 }
        let frame = unsafe Int(min(cngtcp2_peer_max_datagram_frame(handle), 65_535))
        // Type and length of the frame; first byte, ID, packet number and tag of the packet.
        let payload = unsafe min(
            Int(clamping: cngtcp2_path_max_payload(handle)), blackHoles.isSmall ? BlackHoleWatch.safePayloadBytes : .max
        )
        let packet = payload - (1 + 20 + 4 + 16) - 3
        return max(min(frame - 3, packet), 0)
    }

    /// Queues a datagram (RFC 9221); when the queue is full, the oldest give way.
    ///
    /// - Returns: the ID by which events tell what became of it.
    /// - Throws: ``QUICError`` with ``QUICError/Code/tooLarge`` beyond ``maxDatagramBytes``.
    package func sendDatagram(_ bytes: Bytes) throws(QUICError) -> UInt64 {
        guard unsafe handle != nil else { throw QUICError(.invalidState, "the connection is closed") }
        guard bytes.count <= maxDatagramBytes else {
            throw QUICError(.tooLarge, "\(bytes.count) bytes do not fit into a datagram of \(maxDatagramBytes)")
        }
        let id = nextDatagramID
        nextDatagramID += 1
        datagrams.append(id: id, bytes)
        core.markReady(self)
        return id
    }

    // MARK: Figures

    package var statistics: QUICStatistics {
        if let handle = unsafe handle { unsafe updateStatistics(handle) }
        return counters
    }

    func updateStatistics(_ handle: OpaquePointer) {
        var raw = cngtcp2_statistics()
        unsafe cngtcp2_get_statistics(handle, &raw)
        counters.latestRoundTrip = raw.latest_rtt
        counters.minimumRoundTrip = raw.min_rtt
        counters.smoothedRoundTrip = raw.smoothed_rtt
        counters.roundTripVariance = raw.rtt_variance
        counters.congestionWindowBytes = raw.congestion_window
        counters.bytesInFlight = raw.bytes_in_flight
        counters.droppedDatagrams = datagrams.dropped
        counters.isResumed = isResumed
        counters.isEarlyDataAccepted = isEarlyDataAccepted
        counters.blackHoles = blackHoles.count
    }
}
