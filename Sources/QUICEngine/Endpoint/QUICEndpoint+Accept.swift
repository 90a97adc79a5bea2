internal import CNGTCP2
internal import NodeTransport

extension QUICEndpoint {
    /// RFC 9000 §20.1.
    private enum Refusal {
        static let connectionRefused: UInt64 = 0x02
        static let invalidToken: UInt64 = 0x0b
    }

    /// Decides on what may be a client's first packet.
    func accept(
        _ datagram: UnsafeRawBufferPointer, credentials: QUICCredentials, ecn: UInt8, path: QUICPath, now: QUICTime
    ) {
        guard let bytes = unsafe datagram.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        var initial = unsafe cngtcp2_initial()
        let kind = unsafe cngtcp2_decode_initial(bytes, datagram.count, &initial)
        // 0-RTT that overtook its Initial is lost; the client repeats it.
        guard kind == CNGTCP2_OK else { return }

        let limits = core.configuration
        var setup = unsafe ConnectionSetup(
            destination: ConnectionID(raw: initial.source_id), source: core.newConnectionID(), path: path, now: now)
        unsafe setup.originalDestination = ConnectionID(raw: initial.destination_id)
        let isValidated: Bool
        switch unsafe checkToken(&initial, path: path, now: now) {
        case .none:
            isValidated = false
        case .new:
            isValidated = true
            setup.token = unsafe tokenBytes(initial)
        case .retry(let original):
            isValidated = true
            setup.token = unsafe tokenBytes(initial)
            setup.isTokenOfRetry = true
            unsafe setup.retrySource = ConnectionID(raw: initial.destination_id)
            setup.originalDestination = original
        case .invalid:
            unsafe refuse(&initial, .invalidToken, code: Refusal.invalidToken, path: path)
            return
        }

        guard isAccepting else {
            unsafe refuse(&initial, .shutdown, code: Refusal.connectionRefused, path: path)
            return
        }
        if core.liveConnections >= limits.maxConnections {
            unsafe refuse(&initial, .connections, code: Refusal.connectionRefused, path: path)
            return
        }
        if core.halfOpenConnections >= limits.maxHalfOpenConnections {
            unsafe refuse(&initial, .halfOpenConnections, code: Refusal.connectionRefused, path: path)
            return
        }
        if !isValidated && asksForRetry {
            unsafe sendRetry(&initial, path: path, now: now)
            return
        }
        let isAdmitted = core.addressRates.admit(
            path.remote.network, ratePerSecond: limits.newConnectionsPerSecondPerAddress,
            burst: limits.newConnectionBurstPerAddress, now: now)
        guard isAdmitted else {
            unsafe refuse(&initial, .newConnectionsPerAddress, code: Refusal.connectionRefused, path: path)
            return
        }

        let connection = QUICConnection(core: core, credentials: credentials, path: path, serverName: nil)
        guard connection.start(setup) else { return }
        let clientChosen = unsafe ConnectionID(raw: initial.destination_id)
        core.connections[clientChosen] = connection
        connection.ids.append(clientChosen)
        connection.clientChosenID = clientChosen
        core.emit(.connectionOpened(connection))
        unsafe connection.receive(datagram, ecn: ecn, path: path, now: now)
        if connection.wantsRetry { unsafe sendRetry(&initial, path: path, now: now) }
    }

    private var asksForRetry: Bool {
        switch core.configuration.retry {
        case .always: true
        case .above(let halfOpen): core.halfOpenConnections >= halfOpen
        }
    }

    private enum TokenCheck {
        case none
        case new
        case retry(original: ConnectionID)
        case invalid
    }

    private func checkToken(_ initial: inout cngtcp2_initial, path: QUICPath, now: QUICTime) -> TokenCheck {
        let token = unsafe initial.token
        guard unsafe token.count > 0 else { return .none }
        let destination = unsafe initial.destination_id
        var remote = path.raw.remote
        let limits = core.configuration
        return unsafe core.secrets.tokens.withUnsafeBytes { secret in
            let secret = unsafe cngtcp2_vector(base: secret.baseAddress, count: secret.count)
            if unsafe cngtcp2_is_retry_token(token) {
                var original = cngtcp2_cid()
                let isValid = unsafe cngtcp2_verify_retry_token(
                    token, secret, &remote, destination, limits.retryTokenLifetime, now, &original)
                return isValid ? .retry(original: ConnectionID(raw: original)) : .invalid
            }
            // Another server's token, or an old one, is as good as none (RFC 9000 §8.1.3).
            return unsafe cngtcp2_verify_new_token(token, secret, &remote, limits.newTokenLifetime, now) ? .new : .none
        }
    }

    private func tokenBytes(_ initial: cngtcp2_initial) -> Bytes {
        unsafe Bytes(copying: UnsafeRawBufferPointer(start: initial.token.base, count: initial.token.count))
    }

    private func refuse(_ initial: inout cngtcp2_initial, _ limit: QUICLimit, code: UInt64, path: QUICPath) {
        let packet = unsafe makePacket { room in
            unsafe cngtcp2_write_refusal(room.baseAddress, room.count, &initial, code)
        }
        if let packet { core.sendStray(StrayPacket(bytes: packet, path: path)) }
        core.emit(.connectionRefused(path, limit))
    }

    private func sendRetry(_ initial: inout cngtcp2_initial, path: QUICPath, now: QUICTime) {
        let source = core.newConnectionID()
        var remote = path.raw.remote
        let packet = unsafe core.secrets.tokens.withUnsafeBytes { secret in
            let secret = unsafe cngtcp2_vector(base: secret.baseAddress, count: secret.count)
            return unsafe makePacket { room in
                unsafe cngtcp2_write_retry(room.baseAddress, room.count, secret, &remote, &initial, source.raw, now)
            }
        }
        if let packet { core.sendStray(StrayPacket(bytes: packet, path: path)) }
    }
}
