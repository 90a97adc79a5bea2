internal import CNGTCP2
package import NodeTransport
internal import StreamTables

extension QUICConnection {
    /// Opens a stream.
    ///
    /// - Throws: ``QUICError`` with ``QUICError/Code/noStreamCredit`` when the peer has not allowed one more yet, or the
    ///   connection is not far enough, and ``QUICError/Code/invalidState`` when it is closed.
    package func openStream(isBidirectional: Bool) throws(QUICError) -> QUICStream {
        guard let handle = unsafe handle else { throw QUICError(.invalidState, "the connection is closed") }
        var id: Int64 = -1
        let result = unsafe cngtcp2_open_stream(handle, isBidirectional, &id)
        guard result == CNGTCP2_OK else {
            if isBidirectional { mayOpenBidi = false } else { mayOpenUni = false }
            throw QUICError(.noStreamCredit, "the peer allows no more streams for now")
        }
        let stream = enter(id)
        stream.receivingIsOver = !isBidirectional
        return stream
    }

    package func stream(_ id: Int64) -> QUICStream? { streams[id] }
    package var openStreamCount: Int { streams.count }

    /// How many streams the peer allows to be opened now.
    package func streamsLeft(isBidirectional: Bool) -> UInt64 {
        unsafe handle.map { unsafe cngtcp2_streams_left($0, isBidirectional) } ?? 0
    }

    package enum WriteResult: Sendable {
        /// All of it is queued; more is welcome.
        case accepted
        /// All of it is queued; ``QUICEvent/streamWritable(_:)`` says when more should come.
        case acceptedAndFull
        /// Nothing was taken: as above.
        case refusedAsFull
        /// The stream's sending side is over.
        case closed
    }

    /// Queues bytes, and the stream's end behind them. The bytes are kept, not copied, until they were acknowledged.
    package func write(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool = false) -> WriteResult {
        guard !stream.isSendingOver, !stream.isClosed, unsafe handle != nil, stream.isBidirectional || stream.isLocal
        else {
            return .closed
        }
        let limit = core.configuration.streamSendQueueBytes
        if !bytes.isEmpty && stream.unsentBytes >= limit {
            stream.awaitsLowWater = true
            return .refusedAsFull
        }
        stream.queue(bytes, isLast: isLast)
        if isLast { stream.sendingIsOver = true }
        if !stream.isBlocked { enqueue(stream) }
        core.markReady(self)
        guard stream.unsentBytes >= limit else { return .accepted }
        stream.awaitsLowWater = true
        return .acceptedAndFull
    }

    /// Gives the peer credit for bytes that were received: on the stream and on the connection.
    package func consume(_ stream: QUICStream, byteCount: Int) {
        let count = min(byteCount, stream.unconsumedBytes)
        guard count > 0, let handle = unsafe handle else { return }
        stream.unconsumedBytes -= count
        if !stream.isClosed && !stream.isReceivingOver {
            unsafe cngtcp2_extend_stream(handle, stream.id, UInt64(count))
        }
        unsafe cngtcp2_extend_connection(handle, UInt64(count))
        core.markReady(self)
    }

    /// Ends the sending side early (RESET_STREAM): what was not sent is dropped.
    package func reset(_ stream: QUICStream, code: UInt64) {
        guard !stream.isClosed, let handle = unsafe handle else { return }
        stream.sendingIsOver = true
        stream.dropUnsent()
        blackHoles.settled(stream.id)
        _ = unsafe cngtcp2_reset_stream(handle, stream.id, min(code, Self.maximumCode))
        core.markReady(self)
    }

    /// Tells the peer that nothing more of the stream is wanted (STOP_SENDING); what still comes is thrown away.
    package func stopSending(_ stream: QUICStream, code: UInt64) {
        guard !stream.isClosed, !stream.isDiscarding, let handle = unsafe handle else { return }
        stream.isDiscarding = true
        returnedBytes += stream.unconsumedBytes
        stream.unconsumedBytes = 0
        _ = unsafe cngtcp2_stop_sending(handle, stream.id, min(code, Self.maximumCode))
        if !stream.isBidirectional {
            endedUni.append((stream, nil))
            closeEndedUni()
        }
        returnCredit()
        core.markReady(self)
    }

    /// The source has something to offer again.
    package func sourceHasData() {
        if unsafe handle != nil { core.markReady(self) }
    }

    /// Error codes are variable-length integers (RFC 9000 §16).
    static var maximumCode: UInt64 { 1 << 62 - 1 }

    // MARK: Called back

    func peerOpened(_ id: Int64) {
        enter(id).sendingIsOver = id & 2 != 0
    }

    func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, isLast: Bool) {
        if isLast {
            stream.receivingIsOver = true
            if !stream.isBidirectional { endedUni.append((stream, nil)) }
        }
        if stream.isDiscarding {
            returnedBytes += bytes.count
            return
        }
        stream.unconsumedBytes += bytes.count
        unsafe core.events.appendData(stream, bytes, isLast: isLast)
    }

    func wasReset(_ stream: QUICStream, code: UInt64) {
        stream.receivingIsOver = true
        core.emit(.streamReset(stream, code: code))
        if !stream.isBidirectional { endedUni.append((stream, code)) }
    }

    /// ngtcp2 0.12 never reports that a unidirectional stream of the peer is over.
    func closeEndedUni() {
        guard !endedUni.isEmpty, let handle = unsafe handle else { return }
        for (stream, code) in endedUni where streams[stream.id] === stream {
            unsafe cngtcp2_set_stream_data(handle, stream.id, nil)
            closed(stream.id, code: code)
        }
        endedUni.removeAll(keepingCapacity: true)
    }

    func acknowledged(_ stream: QUICStream, _ byteCount: Int) {
        blackHoles.settled(stream.id)
        guard stream.isFedBySource else {
            stream.didAcknowledge(byteCount)
            return
        }
        guard byteCount > 0 else { return }
        if stream.unreportedAcknowledgedBytes == 0 { core.events.appendAcknowledged(stream) }
        stream.unreportedAcknowledgedBytes += byteCount
    }

    func creditArrived(_ stream: QUICStream) {
        guard stream.isBlocked else { return }
        stream.isBlocked = false
        if stream.isFedBySource {
            core.events.appendUnblocked(stream)
        } else {
            enqueue(stream)
        }
    }

    func closed(_ id: Int64, code: UInt64?) {
        guard let stream = streams.remove(id) else { return }
        blackHoles.settled(stream.id)
        if let handle = unsafe handle {
            counters.lostStreamPackets += unsafe cngtcp2_stream_losses(handle, stream.id)
        }
        // Nobody may look for the stream again; what its reader still holds no longer counts.
        returnedBytes += stream.unconsumedBytes
        stream.unconsumedBytes = 0
        if !stream.isLocal {
            if stream.isBidirectional { returnedBidi += 1 } else { returnedUni += 1 }
        }
        end(stream)
        core.events.appendClosed(stream, code: code)
    }

    func moreStreams(isBidirectional: Bool) {
        if isBidirectional {
            guard !mayOpenBidi else { return }
            mayOpenBidi = true
        } else {
            guard !mayOpenUni else { return }
            mayOpenUni = true
        }
        core.emit(.streamsAvailable(self, isBidirectional: isBidirectional))
    }

    // MARK: Keeping

    private func enter(_ id: Int64) -> QUICStream {
        let stream = QUICStream(id: id, connection: self)
        streams.insert(stream, for: id)
        // Sound: `streams` keeps it until ngtcp2 has reported the stream closed.
        if let handle = unsafe handle {
            unsafe cngtcp2_set_stream_data(handle, id, Unmanaged.passUnretained(stream).toOpaque())
        }
        return stream
    }

    func enqueue(_ stream: QUICStream) {
        guard !stream.isQueued else { return }
        stream.isQueued = true
        sendable.append(stream)
    }

    func end(_ stream: QUICStream) {
        stream.isOver = true
        stream.sendingIsOver = true
        stream.receivingIsOver = true
        stream.dropAll()
    }

    /// The peer asked to stop, or the stream is gone.
    func stopped(_ stream: QUICStream) {
        stream.dropUnsent()
        stream.isBlocked = false
        blackHoles.settled(stream.id)
        guard !stream.isClosed, !stream.wasStopped else { return }
        stream.wasStopped = true
        stream.sendingIsOver = true
        core.emit(.streamStopped(stream))
    }

    /// Looks at some of the streams that wait for credit: the peer may have asked to stop instead.
    func checkStopped() {
        guard let handle = unsafe handle else { return }
        for _ in 0..<min(blocked.count, 16) {
            guard let stream = blocked.popFirst() else { return }
            guard !stream.isClosed, stream.isBlocked else { continue }
            if unsafe cngtcp2_is_stream_stopped(handle, stream.id) {
                stopped(stream)
            } else {
                blocked.append(stream)
            }
        }
    }
}
