internal import NodeTransport

// What arrives on streams, and QUIC's notices about them.

extension HTTP3Connection {
    /// Takes what arrived on a stream, in its order.
    ///
    /// - Parameters:
    ///   - bytes: borrowed for the call; events of content refer to it by range.
    ///   - isFinal: whether the stream ends behind them.
    /// - Returns: how many bytes the engine itself has dealt with, for which the owner gives credit back to the peer.
    ///   The rest is content, or is held for the encoder stream and announced by ``HTTP3Event/consumed(_:_:)``.
    /// - Throws: an error that ends the connection; the events before it are valid.
    package mutating func receive(
        stream id: Int64, _ bytes: RawSpan, isFinal: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) -> Int {
        if let failure { throw failure }
        do throws(HTTP3Error) {
            if id & 2 != 0 { return try receiveUnidirectional(id, bytes, isFinal: isFinal, into: &events) }
            return try receiveRequestStream(id, bytes, isFinal: isFinal, into: &events)
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func receiveRequestStream(
        _ id: Int64, _ bytes: RawSpan, isFinal: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) -> Int {
        guard let stream = try find(id, into: &events) else { return bytes.byteCount }
        switch stream.reading {
        case .ignored, .complete: return bytes.byteCount
        case .head, .content, .trailersRead: break
        }
        if stream.isBlocked {
            stream.hold(bytes)
            stream.isEndHeld = stream.isEndHeld || isFinal
            return 0
        }
        return try read(stream, bytes, held: nil, isFinal: isFinal, into: &events)
    }

    /// The stream, which the peer may have just opened.
    private mutating func find(_ id: Int64, into events: inout HTTP3Events) throws(HTTP3Error) -> RequestStream? {
        if let stream = streams.stream(id) { return stream }
        return try opened(id, into: &events)
    }

    /// A stream that the peer has just opened, or nil when it is one that this side has closed.
    private mutating func opened(_ id: Int64, into events: inout HTTP3Events) throws(HTTP3Error) -> RequestStream? {
        guard id & 1 == 0 else {
            guard role == .client else { return nil }
            // RFC 9114 §6.1.
            throw HTTP3Error(.streamCreationError, "the server opened a bidirectional stream")
        }
        guard role == .server, id >= 0 else { return nil }
        let stream = streams.open(id)
        if let sentGoAwayID, UInt64(id) >= sentGoAwayID {
            stream.reading = .ignored
            stream.writing = .ended
            try decoder.cancel(stream: id)
            events.list.append(.rejected(id))
        } else {
            lastRequestID = max(lastRequestID, id)
        }
        return stream
    }

    // MARK: Notices

    /// The peer reset its side of a stream (RESET_STREAM).
    package mutating func receivedReset(
        stream id: Int64, _ code: HTTP3ErrorCode, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        if let failure { throw failure }
        do throws(HTTP3Error) {
            if id & 2 != 0 { return try peerStreamEnded(id) }
            guard let stream = try find(id, into: &events) else { return }
            let isOver = stream.reading == .complete || stream.reading == .ignored
            try abandonReading(stream, into: &events)
            guard !isOver else { return }
            if role == .client, code == .requestRejected {
                events.list.append(.unprocessed(id))
            } else {
                events.list.append(.reset(id, code))
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// The peer wants no more of what this side sends (STOP_SENDING).
    package mutating func receivedStopSending(
        stream id: Int64, _ code: HTTP3ErrorCode, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        if let failure { throw failure }
        do throws(HTTP3Error) {
            guard id & 2 == 0 else {
                guard isOwn(id) else { return }
                // RFC 9114 §6.2.1.
                throw HTTP3Error(.closedCriticalStream, "the peer stopped reading a critical stream")
            }
            guard let stream = try find(id, into: &events) else { return }
            abandonWriting(stream)
            events.list.append(.stopSending(id, code))
        } catch {
            failure = error
            throw error
        }
    }

    /// QUIC is done with a stream in both directions: its memory is free.
    ///
    /// A message that has come as a whole and waits for the encoder stream is still read when that has caught up;
    /// ``HTTP3Event/closed(_:)`` follows behind it.
    package mutating func closed(stream id: Int64, into events: inout HTTP3Events) throws(HTTP3Error) {
        if let failure { throw failure }
        do throws(HTTP3Error) {
            guard id & 2 == 0 else {
                if isOwn(id) { throw HTTP3Error(.closedCriticalStream, "a critical stream of this side was closed") }
                return try peerStreamEnded(id)
            }
            guard let stream = streams.stream(id) else { return }
            if stream.isBlocked, stream.isEndHeld {
                stream.isClosedByQUIC = true
                abandonWriting(stream)
                stream.output.reset()
                return
            }
            try abandonReading(stream, into: &events)
            close(stream, into: &events)
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func close(_ stream: RequestStream, into events: inout HTTP3Events) {
        let id = stream.id
        streams.close(stream)
        events.list.append(.closed(id))
    }

    /// Closes a stream that QUIC was done with before its message could be read, once nothing of that waits any more.
    mutating func closeIfDone(_ stream: RequestStream, into events: inout HTTP3Events) {
        if stream.isClosedByQUIC, !stream.isBlocked { close(stream, into: &events) }
    }

    func isOwn(_ id: Int64) -> Bool {
        id >= 0 && (id == control.id || id == encoderStream.id || id == decoderStream.id)
    }

    // MARK: Giving up

    /// Reads nothing further of a stream, and tells the peer's encoder so.
    mutating func abandonReading(_ stream: RequestStream, into events: inout HTTP3Events) throws(HTTP3Error) {
        switch stream.reading {
        case .complete, .ignored: return
        case .head, .content, .trailersRead: break
        }
        stream.reading = .ignored
        if stream.isBlocked { blocked.removeAll { $0 === stream } }
        let heldBytes = stream.forgetInput()
        if heldBytes > 0 { events.list.append(.consumed(stream.id, heldBytes)) }
        try decoder.cancel(stream: stream.id)
    }

    /// Sends nothing further on a stream.
    func abandonWriting(_ stream: RequestStream) {
        stream.writing = .ended
        stream.awaitsDrained = false
        stream.output.dropUnsent()
    }

    /// Ends a stream for the peer's error on it.
    mutating func fail(
        _ stream: RequestStream, _ code: HTTP3ErrorCode, _ reason: String, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        try abandonReading(stream, into: &events)
        abandonWriting(stream)
        events.list.append(.failed(stream.id, code, reason))
    }
}
