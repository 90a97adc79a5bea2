package import NodeTransport

// What the owner sends on streams.

extension HTTP2Engine {
    /// Opens a stream with a request.
    ///
    /// - Parameters:
    ///   - prepared: fields of this engine, pseudo-header fields first.
    ///   - extra: fields sent once, behind them.
    ///   - endStream: whether the request has neither content nor trailers.
    /// - Throws: ``HTTP2OpenError``; nothing has been sent then.
    package mutating func openStream(
        prepared: [PreparedField], extra: [HeaderPair] = [], endStream: Bool
    ) throws(HTTP2OpenError) -> StreamHandle {
        guard phase == .running, role == .client else { throw .closed }
        guard !isGoingAway else { throw .goingAway }
        guard streams.openCount < peerMaxConcurrentStreams else { throw .tooManyStreams }
        guard nextStreamID <= 0x7fff_ffff else { throw .idsExhausted }
        let id = nextStreamID
        nextStreamID += 2
        let slot = streams.open(id, sendWindow: peerInitialWindow, receiveWindow: ownInitialWindow)
        streams.slots[slot].hasSentHeaders = true
        for field in prepared where field.isHead { streams.slots[slot].isHeadRequest = true }
        writeHeaders(stream: id, prepared, extra, endStream: endStream)
        if endStream { streams.slots[slot].isLocallyClosed = true }
        return StreamHandle(id: id, slot: slot)
    }

    /// Sends a response's header section.
    ///
    /// - Returns: false when the stream is gone, or has its response already.
    @discardableResult
    package mutating func sendHeaders(
        _ stream: StreamHandle, prepared: [PreparedField], extra: [HeaderPair] = [], endStream: Bool
    ) -> Bool {
        guard phase == .running, role == .server, let slot = streams.slot(of: stream) else { return false }
        guard !streams.slots[slot].hasSentHeaders, !streams.slots[slot].isEnding else { return false }
        streams.slots[slot].hasSentHeaders = true
        writeHeaders(stream: stream.id, prepared, extra, endStream: endStream)
        if endStream { closeLocally(slot) }
        return true
    }

    /// Sends content: up to 8 bytes of `prefix`, the highest first, then `payload`.
    ///
    /// What the windows do not allow now is queued; `payload` is retained, not copied, until it is framed.
    ///
    /// - Returns: false when the stream is gone, its headers have not been sent, or it has been ended.
    @discardableResult
    package mutating func sendData(
        _ stream: StreamHandle, prefix: UInt64 = 0, prefixCount: Int = 0, payload: Bytes, endStream: Bool
    ) -> Bool {
        guard phase == .running, let slot = streams.slot(of: stream) else { return false }
        guard streams.slots[slot].hasSentHeaders, !streams.slots[slot].isEnding else { return false }
        let prefixCount = min(max(prefixCount, 0), 8)
        let byteCount = prefixCount + payload.count
        guard byteCount > 0 else {
            if endStream { self.endStream(stream) }
            return true
        }
        if canFrameAtOnce(slot, byteCount) {
            output.appendData(
                stream: stream.id, endStream: endStream, prefix: prefix, prefixCount: prefixCount,
                payload: payload, range: 0..<payload.count
            )
            connectionSendWindow -= Int64(byteCount)
            streams.slots[slot].sendWindow -= Int64(byteCount)
            if endStream { closeLocally(slot) }
            return true
        }
        let message = SendQueue.Message(prefix: prefix, prefixCount: prefixCount, payload: payload)
        sendQueue.append(message, to: &streams.slots[slot].queue)
        if endStream { streams.slots[slot].ending = .endStream }
        if streams.slots[slot].queue.byteCount >= configuration.streamQueueLowWaterBytes {
            streams.slots[slot].awaitsDrained = true
        }
        markReadyIfSendable(slot)
        return true
    }

    /// Whether content need not wait: nothing is before it, and it fits all windows and one frame.
    private mutating func canFrameAtOnce(_ slot: Int, _ byteCount: Int) -> Bool {
        streams.slots[slot].queue.isEmpty
            && byteCount <= min(peerMaxFrameBytes, Self.maxTurnBytes)
            && Int64(byteCount) <= min(connectionSendWindow, streams.slots[slot].sendWindow)
            && output.count < configuration.outputHighWaterBytes
            && (byteCount < OutputQueue.spliceThreshold || !streams.hasReady)
    }

    /// Ends this side of the stream, behind what is queued.
    package mutating func endStream(_ stream: StreamHandle) {
        guard phase == .running, let slot = streams.slot(of: stream) else { return }
        guard streams.slots[slot].hasSentHeaders, !streams.slots[slot].isEnding else { return }
        guard streams.slots[slot].queue.isEmpty else {
            streams.slots[slot].ending = .endStream
            return
        }
        output.appendFrameHeader(length: 0, type: .data, flags: .endStream, stream: stream.id)
        closeLocally(slot)
    }

    /// Sends trailers behind what is queued; they end this side of the stream.
    ///
    /// - Returns: false when the stream is gone, its headers have not been sent, or it has been ended.
    @discardableResult
    package mutating func sendTrailers(
        _ stream: StreamHandle, prepared: [PreparedField], extra: [HeaderPair] = []
    ) -> Bool {
        guard phase == .running, let slot = streams.slot(of: stream) else { return false }
        guard streams.slots[slot].hasSentHeaders, !streams.slots[slot].isEnding else { return false }
        guard streams.slots[slot].queue.isEmpty else {
            streams.slots[slot].ending = .trailers(prepared: prepared, extra: extra)
            return true
        }
        writeHeaders(stream: stream.id, prepared, extra, endStream: true)
        closeLocally(slot)
        return true
    }

    /// How many bytes of content of that stream wait for a window or for room in the output.
    ///
    /// It is `mutating` for the same reason as reading frames is: so that the engine is not copied.
    package mutating func queuedBytes(_ stream: StreamHandle) -> Int {
        guard let slot = streams.slot(of: stream) else { return 0 }
        return streams.slots[slot].queue.byteCount
    }

    /// Ends a stream at once, dropping what it has queued. Its ``HTTP2Event/closed(_:)`` follows.
    package mutating func reset(_ stream: StreamHandle, _ code: HTTP2ErrorCode) {
        guard phase == .running, let slot = streams.slot(of: stream) else { return }
        writeReset(stream.id, code)
        finish(slot, .resetHere)
    }

    // MARK: The connection

    /// Tells the peer that the connection is going to end, without refusing a stream yet (RFC 9113 §6.8).
    ///
    /// ``goAway(lastStreamID:_:debug:)`` follows after a round trip, which a ``ping(_:)`` can measure.
    package mutating func shutdownNotice() {
        guard phase == .running, sentGoAwayID == nil else { return }
        goAway(lastStreamID: 0x7fff_ffff, .noError, debug: "")
    }

    /// Tells the peer that streams above `lastStreamID` are not processed; nil stands for the last one seen.
    package mutating func goAway(lastStreamID: UInt32? = nil, _ code: HTTP2ErrorCode, debug: String = "") {
        guard phase == .running else { return }
        let last = min(lastStreamID ?? lastPeerStreamID, sentGoAwayID ?? 0x7fff_ffff)
        sentGoAwayID = last
        writeGoAway(lastStreamID: last, code, debug)
    }

    /// Sends a PING; the answer is ``HTTP2Event/pingAcknowledged(_:)`` with the same payload.
    package mutating func ping(_ payload: UInt64) {
        guard phase == .running else { return }
        output.appendFrameHeader(length: 8, type: .ping, flags: [], stream: 0)
        output.append(bigEndian: payload)
    }
}
