internal import CNGTCP2
package import NodeTransport
internal import StreamTables

extension QUICConnection {
    /// The certificates that the peer presented, DER, the leaf first. They were accepted by the verifier if the
    /// handshake is complete. After a resumption they are those of the session.
    package var presentedChain: [Bytes] {
        let presented = currentChain
        return presented.isEmpty ? keptChain : presented
    }

    private var currentChain: [Bytes] {
        guard let handle = unsafe handle else { return [] }
        var chain: [Bytes] = []
        var bytes: UnsafePointer<UInt8>?
        while chain.count < 64 {
            let count = unsafe cngtcp2_peer_certificate(handle, chain.count, &bytes)
            guard count > 0, let start = unsafe bytes else { break }
            chain.append(unsafe Bytes(copying: UnsafeRawBufferPointer(start: start, count: count)))
        }
        return chain
    }

    /// Whether the handshake went by an earlier session's keys, without certificates.
    package var isResumed: Bool {
        unsafe handle.map { unsafe cngtcp2_is_resumed($0) } ?? false
    }

    package var isEarlyDataAccepted: Bool {
        unsafe handle.map { unsafe cngtcp2_is_early_data_accepted($0) } ?? false
    }

    package var applicationProtocol: String? {
        guard let handle = unsafe handle else { return nil }
        var bytes: UnsafePointer<UInt8>?
        let count = unsafe cngtcp2_alpn(handle, &bytes)
        guard count > 0 else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// The group and the cipher of the handshake, by GnuTLS's names; nil before it has come so far.
    package var handshakeParameters: (group: String, cipher: String)? {
        guard let handle = unsafe handle, let group = unsafe cngtcp2_group_name(handle),
            let cipher = unsafe cngtcp2_cipher_name(handle)
        else { return nil }
        return unsafe (String(cString: group), String(cString: cipher))
    }

    // MARK: Called back

    /// -1 accepts.
    func verifyPeer() -> Int32 {
        learnServerName()
        switch credentials.verifier(currentChain, serverName) {
        case .accept:
            return -1
        case .acceptAs(let peer):
            verifiedPeer = peer
            return -1
        case .refuse(let alert, let error):
            verificationRefusal = (alert, error)
            return Int32(alert)
        }
    }

    func handshakeDidComplete() {
        learnServerName()
        isHandshakeCompleted = true
        if case .handshaking = state { state = .open }
        if let handle = unsafe handle, !isServer {
            var token = cngtcp2_reset_token()
            if unsafe cngtcp2_peer_first_reset_token(handle, &token) {
                peerResetToken(ResetToken(raw: token), isActive: true)
            }
        }
        // A server's TLS session is freed behind this.
        if isServer { keptChain = currentChain }
        core.emit(.handshakeCompleted(self))
        guard isServer else { return }
        endHalfOpen()
        // The server's side is confirmed with its completion (RFC 9001 §4.1.2).
        isHandshakeConfirmed = true
        core.emit(.handshakeConfirmed(self))
        owesNewToken = true
    }

    func handshakeWasConfirmed() {
        guard !isHandshakeConfirmed else { return }
        isHandshakeConfirmed = true
        core.emit(.handshakeConfirmed(self))
    }

    /// ngtcp2 makes the next keys ready when the present ones have proved to work: the first time that is the
    /// handshake's end, and after each update from then on.
    func keysWerePrepared() {
        guard hasPreparedKeys else {
            hasPreparedKeys = true
            return
        }
        counters.keyUpdates += 1
        core.emit(.keyUpdated(self))
    }

    func endHalfOpen() {
        guard isHalfOpen else { return }
        isHalfOpen = false
        core.halfOpenConnections -= 1
    }

    func earlyDataWasRejected() {
        guard offersEarlyData else { return }
        offersEarlyData = false
        // ngtcp2 has forgotten the streams without a word.
        for stream in streams.removeAll() { end(stream) }
        blackHoles.pathChanged()
        sendable.removeAll()
        blocked.removeAll()
        core.emit(.earlyDataRejected(self))
    }

    func sessionTicket(_ ticket: Bytes, allowsEarlyData: Bool) {
        guard let handle = unsafe handle else { return }
        let parameters = unsafe withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { room in
            let bytes = unsafe room.assumingMemoryBound(to: UInt8.self)
            let count = unsafe cngtcp2_early_parameters(handle, bytes.baseAddress, room.count)
            return unsafe Bytes(copying: UnsafeRawBufferPointer(rebasing: room[..<min(count, room.count)]))
        }
        core.emit(
            .sessionTicket(
                self,
                QUICSession(
                    ticket: ticket, parameters: parameters, presentedChain: presentedChain,
                    allowsEarlyData: allowsEarlyData)))
    }

    /// Gives the client the token that spares it the Retry (RFC 9000 §8.1.3).
    func submitNewToken(now: QUICTime) {
        guard owesNewToken, let handle = unsafe handle else { return }
        owesNewToken = false
        var remote = path.raw.remote
        unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { room in
            guard let bytes = unsafe room.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
            let count = unsafe core.secrets.tokens.withUnsafeBytes { secret in
                unsafe cngtcp2_make_new_token(
                    cngtcp2_vector(base: secret.baseAddress, count: secret.count), &remote, now, bytes, room.count)
            }
            // Without one the client has a Retry more, if anything.
            if count > 0 { _ = unsafe cngtcp2_submit_token(handle, bytes, count) }
        }
    }

    private func learnServerName() {
        guard isServer, serverName == nil, let handle = unsafe handle else { return }
        serverName = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room -> String? in
            guard let start = room.baseAddress else { return nil }
            let count = unsafe cngtcp2_server_name(handle, start, 256)
            guard count > 0 else { return nil }
            return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
        }
    }

    // MARK: Connection IDs

    func retire(_ id: ConnectionID) {
        if core.connections[id] === self { core.connections[id] = nil }
        ids.removeAll { $0 == id }
    }

    func peerResetToken(_ token: ResetToken, isActive: Bool) {
        if isActive {
            guard !peerResetTokens.contains(token), peerResetTokens.count < 16 else { return }
            peerResetTokens.append(token)
            core.resetTokens[token] = self
        } else {
            peerResetTokens.removeAll { $0 == token }
            if core.resetTokens[token] === self { core.resetTokens[token] = nil }
        }
    }
}
