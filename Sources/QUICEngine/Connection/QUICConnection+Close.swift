internal import CNGTCP2
internal import NodeTransport
internal import StreamTables

extension QUICConnection {
    /// Closes the connection at once: streams end, what was not sent is dropped, the peer is told.
    ///
    /// ``QUICEvent/connectionClosed(_:_:)`` follows. Closing twice does nothing.
    ///
    /// - Parameters:
    ///   - isApplication: whether `code` is the application's, or one of RFC 9000 §20.1.
    ///   - reason: for people; cut to 512 bytes.
    package func close(code: UInt64, reason: String = "", isApplication: Bool = true, now: QUICTime) {
        guard unsafe handle != nil else { return }
        let code = min(code, Self.maximumCode)
        let event: QUICCloseReason =
            isApplication
            ? .application(code: code, reason: reason, byPeer: false)
            : .transport(code: code, reason: reason, byPeer: false)
        closeWithPacket(kind: isApplication ? 1 : 0, code: code, reason: reason, event, now: now)
    }

    /// A call of ngtcp2 has failed: the connection is over, in one way or another.
    func fail(_ result: Int32, now: QUICTime) {
        guard let handle = unsafe handle else { return }
        switch Int(result) {
        case Int(CNGTCP2_DRAINING), Int(CNGTCP2_CLOSING):
            unsafe drain(handle, now: now)
        case Int(CNGTCP2_RETRY):
            wantsRetry = true
            vanish(.dropped)
        case Int(CNGTCP2_DROP):
            vanish(.dropped)
        case Int(CNGTCP2_IDLE_CLOSE):
            vanish(.idleTimeout)
        case Int(CNGTCP2_HANDSHAKE_TIMEOUT):
            vanish(.handshakeTimeout)
        case Int(CNGTCP2_VERSION_NEGOTIATION):
            vanish(.versionNegotiationFailed)
        default:
            unsafe closeAfterFailure(handle, isOfTLS: result == CNGTCP2_CRYPTO, now: now)
        }
    }

    /// The endpoint goes away.
    func abandon() {
        guard unsafe handle != nil else { return }
        release()
        state = .closed
        ids.removeAll()
    }

    // MARK: Ways to end

    private func closeAfterFailure(_ handle: OpaquePointer, isOfTLS: Bool, now: QUICTime) {
        if let refusal = verificationRefusal {
            let event = QUICCloseReason.certificateRefused(alert: refusal.alert, error: refusal.error)
            closeWithPacket(kind: 3, code: UInt64(refusal.alert), reason: "", event, now: now)
            return
        }
        let text = unsafe cngtcp2_failure_text(handle).map { unsafe String(cString: $0) } ?? ""
        let alert = unsafe cngtcp2_tls_alert(handle)
        if alert != 0 && (isOfTLS || !isHandshakeConfirmed) {
            let event = QUICCloseReason.tls(alert: alert, reason: text, byPeer: false)
            closeWithPacket(kind: 3, code: UInt64(alert), reason: "", event, now: now)
        } else {
            let code = unsafe cngtcp2_failure_code(handle)
            closeWithPacket(
                kind: 2, code: 0, reason: "", .transport(code: code, reason: text, byPeer: false), now: now)
        }
    }

    private func closeWithPacket(kind: Int32, code: UInt64, reason: String, _ event: QUICCloseReason, now: QUICTime) {
        guard let handle = unsafe handle else { return }
        var route = cngtcp2_route()
        let text = Array(reason.utf8.prefix(512))
        let packet = unsafe [UInt8](unsafeUninitializedCapacity: 1500) { room, count in
            unsafe room.initialize(repeating: 0)
            let size = unsafe text.withUnsafeBufferPointer { text in
                unsafe cngtcp2_write_close(
                    handle, &route, room.baseAddress, room.count, kind, code, text.baseAddress, text.count, now)
            }
            count = Int(min(max(size, 0), 1500))
        }
        let lifetime = unsafe 3 * min(cngtcp2_probe_timeout(handle), .seconds(10))
        if packet.isEmpty {
            vanish(event)
            return
        }
        let target = QUICPath(raw: route.path)
        state = .closing(packet: packet, path: target)
        counters.packetsSent += 1
        counters.bytesSent += UInt64(packet.count)
        core.sendStray(StrayPacket(bytes: packet, path: target))
        release()
        core.deadlines.set(self, now.after(lifetime))
        core.emit(.connectionClosed(self, event))
    }

    private func drain(_ handle: OpaquePointer, now: QUICTime) {
        let reason = isStatelesslyReset ? .statelessReset : unsafe peerReason(handle)
        let lifetime = unsafe 3 * min(cngtcp2_probe_timeout(handle), .seconds(10))
        state = .draining
        release()
        core.deadlines.set(self, now.after(lifetime))
        core.emit(.connectionClosed(self, reason))
    }

    private func peerReason(_ handle: OpaquePointer) -> QUICCloseReason {
        var close = unsafe cngtcp2_close()
        unsafe cngtcp2_peer_close(handle, &close)
        let text = unsafe String(
            decoding: UnsafeBufferPointer(start: close.reason, count: close.reason_count), as: UTF8.self)
        let code = unsafe close.code
        if unsafe close.is_application { return .application(code: code, reason: text, byPeer: true) }
        // CRYPTO_ERROR, RFC 9001 §4.8.
        if (0x100...0x1ff).contains(code) {
            return .tls(alert: UInt8(truncatingIfNeeded: code), reason: text, byPeer: true)
        }
        return .transport(code: code, reason: text, byPeer: true)
    }

    private func vanish(_ reason: QUICCloseReason) {
        state = .closed
        release()
        core.forget(self)
        core.emit(.connectionClosed(self, reason))
    }

    /// Frees all but what the closing period needs.
    private func release() {
        guard let handle = unsafe handle else { return }
        unsafe updateStatistics(handle)
        unsafe self.handle = nil
        // The connection frees what refers to the streams' bytes before the streams free the bytes.
        unsafe cngtcp2_connection_free(handle)
        endHalfOpen()
        core.liveConnections -= 1
        for stream in streams.removeAll() { end(stream) }
        sendable.removeAll()
        blocked.removeAll()
        endedUni.removeAll()
        datagrams.removeAll()
        core.forgetTokens(self)
        source = nil
        unsafe qlogSink = nil
    }

    /// Whether this side has closed, and the closing period is not over.
    var isRepeatingClose: Bool {
        if case .closing = state { true } else { false }
    }

    /// In the closing period the peer hears again what it missed, less often the more it sends (RFC 9000 §10.2.1).
    func repeatClose() {
        guard case .closing(let packet, let path) = state else { return }
        datagramsInClosing += 1
        guard datagramsInClosing >= 1 << min(closeRepeats, 16) else { return }
        datagramsInClosing = 0
        closeRepeats += 1
        core.sendStray(StrayPacket(bytes: packet, path: path))
    }
}
