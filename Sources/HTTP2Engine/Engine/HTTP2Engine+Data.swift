// DATA frames: their content is passed on as it arrives.

extension HTTP2Engine {
    /// Accounts for a DATA frame whose header has arrived; `at` is where its payload begins in the input.
    mutating func beginData(_ header: FrameHeader, at: Int, _ events: inout HTTP2Events) throws(ConnectionFault) {
        let length = Int64(header.length)
        guard length <= connectionReceiveWindow else {
            throw ConnectionFault(.flowControlError, "the connection's window is exceeded")
        }
        connectionReceiveWindow -= length
        creditConnection(length)
        let isPadded = header.flags.contains(.padded)
        guard !isPadded || header.length > 0 else {
            throw ConnectionFault(.protocolError, "a padded frame has no padding length")
        }
        var payload = FrameInput.Payload()
        payload.remainingBytes = header.length
        payload.awaitsPaddingLength = isPadded
        payload.stream = header.stream
        payload.endStream = header.flags.contains(.endStream)
        payload.slot = try acceptData(header, &events) ?? -1
        input.payload = payload
        if header.length == 0 && payload.slot >= 0 { try receiveEmptyData(at: at, &events) }
    }

    /// The slot of a DATA frame's stream, or nil when the frame is to be dropped.
    private mutating func acceptData(
        _ header: FrameHeader, _ events: inout HTTP2Events
    ) throws(ConnectionFault) -> Int? {
        guard let slot = streams.slot(of: header.stream) else {
            if isIdle(header.stream) { throw ConnectionFault(.protocolError, "DATA on an idle stream") }
            if isBeyondGoAway(header.stream) { return nil }
            switch recentlyClosed.ending(of: header.stream) {
            case .resetHere: break
            case nil where role == .client: break
            default: try refuse(header.stream, .streamClosed)
            }
            return nil
        }
        if streams.slots[slot].isRemotelyClosed {
            try resetForError(slot, .streamClosed, &events)
            return nil
        }
        guard streams.slots[slot].hasReceivedHeaders else {
            try resetForError(slot, .protocolError, &events)
            return nil
        }
        guard Int64(header.length) <= streams.slots[slot].receiveWindow else {
            try resetForError(slot, .flowControlError, &events)
            return nil
        }
        streams.slots[slot].receiveWindow -= Int64(header.length)
        return slot
    }

    /// Takes what `bytes` has, from `at` on, of the payload that is arriving.
    mutating func consumePayload(
        _ bytes: RawSpan, _ at: inout Int, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        var payload = input.payload
        // The owner may have reset the stream since the frame began.
        if payload.slot >= 0 && streams.slot(of: StreamHandle(id: payload.stream, slot: payload.slot)) == nil {
            payload.slot = -1
            input.payload.slot = -1
        }
        if payload.awaitsPaddingLength {
            payload.paddingBytes = Int(bytes.byte(at))
            payload.awaitsPaddingLength = false
            payload.remainingBytes -= 1
            at += 1
            input.payload = payload
            guard payload.paddingBytes <= payload.remainingBytes else {
                throw ConnectionFault(.protocolError, "the padding is longer than its frame")
            }
            if payload.slot >= 0 {
                credit(payload.slot, Int64(payload.paddingBytes + 1))
                if payload.remainingBytes == payload.paddingBytes { try receiveEmptyData(at: at, &events) }
            }
        }
        let content = min(input.payload.remainingBytes - input.payload.paddingBytes, bytes.byteCount - at)
        if content > 0 {
            input.payload.remainingBytes -= content
            let start = at
            at += content
            if input.payload.slot >= 0 { try deliver(start..<at, byteCount: content, &events) }
        }
        if input.payload.remainingBytes <= input.payload.paddingBytes {
            let padding = min(input.payload.remainingBytes, bytes.byteCount - at)
            input.payload.remainingBytes -= padding
            input.payload.paddingBytes -= padding
            at += padding
        }
    }

    // MARK: Content that the owner reads itself

    /// The content that is certain to come next, before anything else does: of which stream, and how much. Nil between
    /// frames.
    ///
    /// An owner that knows where it belongs may read it straight to there and tell with
    /// ``receiveContent(byteCount:now:into:)``.
    package var contentToCome: (stream: StreamHandle, byteCount: Int)? {
        let payload = input.payload
        guard phase == .running, payload.slot >= 0, !payload.awaitsPaddingLength else { return nil }
        let stream = StreamHandle(id: payload.stream, slot: payload.slot)
        let byteCount = payload.remainingBytes - payload.paddingBytes
        guard byteCount > 0, streams.slot(of: stream) != nil else { return nil }
        return (stream, byteCount)
    }

    /// Accounts for so much of ``contentToCome`` that the owner has read: the event that tells of it has an empty chunk.
    ///
    /// - Precondition: It is no more than was to come, and nothing else was received since it was asked for.
    package mutating func receiveContent(byteCount: Int, now: Int64, into events: inout HTTP2Events) {
        precondition(byteCount <= input.payload.remainingBytes - input.payload.paddingBytes, "more than was to come")
        if events.list.isEmpty { streams.releaseDelivered() }
        guard phase == .running, byteCount > 0 else { return }
        self.now = now
        do throws(ConnectionFault) {
            input.payload.remainingBytes -= byteCount
            if input.payload.slot >= 0 { try deliver(0..<0, byteCount: byteCount, &events) }
            streams.deliverClosed(into: &events)
        } catch {
            fail(error, into: &events)
        }
    }

    /// Passes on content of the frame that is arriving.
    private mutating func deliver(
        _ chunk: Range<Int>, byteCount: Int, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        let slot = input.payload.slot
        let count = Int64(byteCount)
        let endStream =
            input.payload.endStream && input.payload.remainingBytes == input.payload.paddingBytes
        emptyDataFrames = 0
        streams.slots[slot].unconsumedBytes += count
        streams.slots[slot].receivedContentBytes += count
        guard isContentLengthKept(slot, isEnd: endStream) else {
            input.payload.slot = -1
            return try resetForError(slot, .protocolError, &events)
        }
        events.list.append(
            .data(streams.handle(of: slot), chunk: chunk, flowBytes: byteCount, endStream: endStream)
        )
        if endStream {
            input.payload.slot = -1
            closeRemotely(slot)
        }
    }

    /// A DATA frame without content: it counts only as the stream's end.
    private mutating func receiveEmptyData(at: Int, _ events: inout HTTP2Events) throws(ConnectionFault) {
        let slot = input.payload.slot
        guard input.payload.endStream else {
            emptyDataFrames += 1
            guard emptyDataFrames <= configuration.maxEmptyDataFrames else {
                throw ConnectionFault(.enhanceYourCalm, "too many empty DATA frames")
            }
            return
        }
        input.payload.slot = -1
        guard isContentLengthKept(slot, isEnd: true) else { return try resetForError(slot, .protocolError, &events) }
        events.list.append(.data(streams.handle(of: slot), chunk: at..<at, flowBytes: 0, endStream: true))
        closeRemotely(slot)
    }

    /// Whether the content agrees with the announced length so far (RFC 9113 §8.1.1).
    func isContentLengthKept(_ slot: Int, isEnd: Bool) -> Bool {
        let expected = streams.slots[slot].expectedContentBytes
        guard expected >= 0 else { return true }
        let received = streams.slots[slot].receivedContentBytes
        return isEnd ? received == expected : received <= expected
    }

    // MARK: Credit

    /// Gives back `byteCount` bytes of ``HTTP2Event/data(_:chunk:flowBytes:endStream:)``.
    ///
    /// The peer may send as many more; it is told when half the window has come together.
    package mutating func consume(_ stream: StreamHandle, _ byteCount: Int) {
        guard phase == .running, byteCount > 0, let slot = streams.slot(of: stream) else { return }
        let bytes = min(Int64(byteCount), streams.slots[slot].unconsumedBytes)
        streams.slots[slot].unconsumedBytes -= bytes
        credit(slot, bytes)
    }

    private mutating func credit(_ slot: Int, _ byteCount: Int64) {
        streams.slots[slot].unannouncedBytes += byteCount
        let bytes = streams.slots[slot].unannouncedBytes
        guard bytes >= Int64(max(1, configuration.initialStreamWindowBytes / 2)) else { return }
        guard !streams.slots[slot].isRemotelyClosed else { return }
        streams.slots[slot].unannouncedBytes = 0
        streams.slots[slot].receiveWindow += bytes
        writeWindowUpdate(stream: streams.slots[slot].id, UInt32(truncatingIfNeeded: bytes))
    }

    private mutating func creditConnection(_ byteCount: Int64) {
        connectionUnannouncedBytes += byteCount
        guard connectionUnannouncedBytes >= Int64(configuration.connectionWindowBytes / 2) else { return }
        writeWindowUpdate(stream: 0, UInt32(truncatingIfNeeded: connectionUnannouncedBytes))
        connectionReceiveWindow += connectionUnannouncedBytes
        connectionUnannouncedBytes = 0
    }
}
