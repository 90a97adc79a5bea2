internal import CNGTCP2
internal import NodeTransport
internal import StreamTables

/// The functions that ngtcp2's callbacks end in. They record what happened and never call ngtcp2, but to read.
// Sound: written once, before it can be read, and never freed.
nonisolated(unsafe) let handlers: UnsafePointer<cngtcp2_handlers> = {
    let table = UnsafeMutablePointer<cngtcp2_handlers>.allocate(capacity: 1)
    unsafe table.initialize(to: makeHandlers())
    return unsafe UnsafePointer(table)
}()

/// The connection behind a callback's context.
private func connection(_ context: UnsafeMutableRawPointer?) -> QUICConnection? {
    guard let context = unsafe context else { return nil }
    // Sound: the context is the connection that owns the handle which calls back.
    return unsafe Unmanaged<QUICConnection>.fromOpaque(context).takeUnretainedValue()
}

/// Calls `body` with the connection behind a callback's context.
@inline(__always)
private func withConnection(_ context: UnsafeMutableRawPointer?, _ body: (QUICConnection) -> Void) {
    guard let context = unsafe context else { return }
    // Sound: the connection owns the handle that calls back, so it outlives the call and need not be retained.
    unsafe Unmanaged<QUICConnection>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
}

/// Calls `body` with the connection and the stream that a callback is about, if both are there.
@inline(__always)
private func withStream(
    _ context: UnsafeMutableRawPointer?, _ user: UnsafeMutableRawPointer?, _ id: Int64,
    _ body: (QUICConnection, QUICStream) -> Void
) {
    unsafe withConnection(context) { connection in
        if let user = unsafe user {
            // Sound: the connection keeps a stream in `streams` until ngtcp2 has reported it closed, and what `body`
            // calls does not remove it.
            unsafe Unmanaged<QUICStream>.fromOpaque(user)._withUnsafeGuaranteedRef { body(connection, $0) }
        } else if let stream = connection.streams[id] {
            body(connection, stream)
        }
    }
}

private func makeHandlers() -> cngtcp2_handlers {
    var table = cngtcp2_handlers()
    addConnectionHandlers(&table)
    addStreamHandlers(&table)
    return table
}

private func addConnectionHandlers(_ table: inout cngtcp2_handlers) {
    unsafe table.random = { context, bytes, count in
        unsafe connection(context)?.core.fillRandom(UnsafeMutableRawBufferPointer(start: bytes, count: count))
    }
    unsafe table.verify_peer = { context in
        unsafe connection(context)?.verifyPeer() ?? 80
    }
    unsafe table.handshake_completed = { context in
        unsafe connection(context)?.handshakeDidComplete()
    }
    unsafe table.handshake_confirmed = { context in
        unsafe connection(context)?.handshakeWasConfirmed()
    }
    unsafe table.new_connection_id = { context, id, count, token in
        guard let connection = unsafe connection(context), count == ConnectionID.ownBytes else { return }
        let made = connection.core.newConnectionID()
        guard let reset = connection.core.resetToken(for: made) else { return }
        connection.core.connections[made] = connection
        connection.ids.append(made)
        unsafe id?.pointee = made.raw
        unsafe token?.pointee = reset.raw
    }
    unsafe table.retire_connection_id = { context, id in
        unsafe connection(context)?.retire(ConnectionID(raw: id))
    }
    unsafe table.peer_reset_token = { context, isActive, token in
        unsafe connection(context)?.peerResetToken(ResetToken(raw: token), isActive: isActive)
    }
    unsafe table.stateless_reset = { context in
        unsafe connection(context)?.isStatelesslyReset = true
    }
    unsafe table.path_validated = { context, path, isValid in
        guard let connection = unsafe connection(context), let path = unsafe path else { return }
        unsafe connection.core.emit(.pathValidated(connection, QUICPath(raw: path.pointee), isValid: isValid))
    }
    unsafe table.key_updated = { context in
        guard let connection = unsafe connection(context) else { return }
        connection.keysWerePrepared()
    }
    unsafe table.new_token = { context, bytes, count in
        guard let connection = unsafe connection(context) else { return }
        let token = unsafe Bytes(copying: UnsafeRawBufferPointer(start: bytes, count: count))
        connection.core.emit(.newToken(connection, token))
    }
    unsafe table.session_ticket = { context, bytes, count, allowsEarlyData in
        unsafe connection(context)?.sessionTicket(
            Bytes(copying: UnsafeRawBufferPointer(start: bytes, count: count)), allowsEarlyData: allowsEarlyData)
    }
    unsafe table.early_data_rejected = { context in
        unsafe connection(context)?.earlyDataWasRejected()
    }
    unsafe table.qlog = { context, bytes, count, _ in
        guard count > 0 else { return }
        unsafe connection(context)?.qlogSink?(UnsafeRawBufferPointer(start: bytes, count: count))
    }
    unsafe table.more_streams = { context, isBidirectional in
        unsafe connection(context)?.moreStreams(isBidirectional: isBidirectional)
    }
    unsafe table.datagram = { context, bytes, count in
        guard let connection = unsafe connection(context) else { return }
        unsafe connection.core.events.appendDatagram(
            connection, UnsafeRawBufferPointer(start: bytes, count: count))
    }
    unsafe table.datagram_fate = { context, id, isLost in
        guard let connection = unsafe connection(context) else { return }
        if isLost { connection.counters.lostDatagrams += 1 }
        connection.blackHoles.datagramSettled(id, isLost: isLost)
        connection.core.emit(
            isLost ? .datagramLost(connection, id: id) : .datagramAcknowledged(connection, id: id))
    }
}

private func addStreamHandlers(_ table: inout cngtcp2_handlers) {
    unsafe table.stream_opened = { context, id in
        unsafe withConnection(context) { $0.peerOpened(id) }
    }
    unsafe table.stream_data = { context, user, id, bytes, count, isLast, _ in
        unsafe withStream(context, user, id) { connection, stream in
            unsafe connection.received(stream, UnsafeRawBufferPointer(start: bytes, count: count), isLast: isLast)
        }
    }
    unsafe table.stream_acknowledged = { context, user, id, count in
        unsafe withStream(context, user, id) { connection, stream in
            connection.acknowledged(stream, Int(truncatingIfNeeded: count))
        }
    }
    unsafe table.stream_reset = { context, user, id, code in
        unsafe withStream(context, user, id) { connection, stream in connection.wasReset(stream, code: code) }
    }
    unsafe table.stream_closed = { context, _, id, hasCode, code in
        unsafe withConnection(context) { $0.closed(id, code: hasCode ? code : nil) }
    }
    unsafe table.stream_credit = { context, user, id in
        unsafe withStream(context, user, id) { connection, stream in connection.creditArrived(stream) }
    }
}
