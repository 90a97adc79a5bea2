// HEADERS and CONTINUATION frames.

extension HTTP2Engine {
    mutating func receiveHeaders(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        var start = 0
        var end = payload.byteCount
        if header.flags.contains(.padded) {
            guard end > 0 else { throw ConnectionFault(.frameSizeError, "a padded frame has no padding length") }
            start = 1
            end -= Int(payload.byte(0))
        }
        if header.flags.contains(.priority) {
            // Priorities are ignored, as RFC 9113 §5.3.2 allows.
            guard payload.byteCount - start >= 5 else {
                throw ConnectionFault(.frameSizeError, "a HEADERS frame is too short for its priority")
            }
            start += 5
        }
        guard start <= end else { throw ConnectionFault(.protocolError, "the padding is longer than its frame") }
        let fragment = payload.extracting(start..<end)
        let endStream = header.flags.contains(.endStream)
        if header.flags.contains(.endHeaders) {
            return try finishHeaderBlock(fragment, stream: header.stream, endStream: endStream, &events)
        }
        headerBlock = HeaderBlockAssembly(stream: header.stream, endStream: endStream)
        unsafe fragment.withUnsafeBytes { unsafe headerBlock.bytes.append(contentsOf: $0) }
    }

    mutating func receiveContinuation(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        guard headerBlock.isActive else {
            throw ConnectionFault(.protocolError, "CONTINUATION does not follow a header block")
        }
        headerBlock.continuationFrames += 1
        headerBlock.continuationBytes += payload.byteCount
        guard headerBlock.continuationBytes <= configuration.maxContinuationBytes,
            headerBlock.continuationFrames <= HeaderBlockAssembly.maxContinuationFrames
        else { throw ConnectionFault(.enhanceYourCalm, "too much in CONTINUATION frames") }
        unsafe payload.withUnsafeBytes { unsafe headerBlock.bytes.append(contentsOf: $0) }
        guard header.flags.contains(.endHeaders) else { return }
        let block = headerBlock
        headerBlock = HeaderBlockAssembly()
        try unsafe finishHeaderBlock(block.bytes.span.bytes, stream: block.stream, endStream: block.endStream, &events)
    }

    /// Decodes a whole header block and acts on it.
    private mutating func finishHeaderBlock(
        _ block: RawSpan, stream: UInt32, endStream: Bool, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        let first = events.fields.count
        let isWhole: Bool
        do throws(HPACKFault) {
            isWhole = try decoder.decode(block, maxListBytes: configuration.maxHeaderListBytes, into: &events.fields)
        } catch {
            throw ConnectionFault(.compressionError, "a header block cannot be decoded")
        }
        emptyDataFrames = 0
        let isTaken: Bool
        if let slot = streams.slot(of: stream) {
            isTaken = try receiveFields(slot, from: first, isWhole: isWhole, endStream: endStream, &events)
        } else if role == .server {
            isTaken = try receiveRequest(stream, from: first, isWhole: isWhole, endStream: endStream, &events)
        } else {
            try checkLateHeaders(stream)
            isTaken = false
        }
        if !isTaken { events.fields.removeLast(events.fields.count - first) }
    }

    /// Client: fields on a stream that is not open.
    private func checkLateHeaders(_ stream: UInt32) throws(ConnectionFault) {
        if isIdle(stream) { throw ConnectionFault(.protocolError, "HEADERS on an idle stream") }
        if recentlyClosed.ending(of: stream) == .endedByPeer {
            throw ConnectionFault(.streamClosed, "HEADERS on a stream that has ended")
        }
    }

    // MARK: Server

    /// Fields on a stream that is not open: a request. Returns whether the fields became part of an event.
    private mutating func receiveRequest(
        _ stream: UInt32, from first: Int, isWhole: Bool, endStream: Bool, _ events: inout HTTP2Events
    ) throws(ConnectionFault) -> Bool {
        guard stream & 1 == 1 else { throw ConnectionFault(.protocolError, "a client opened an even stream") }
        if isBeyondGoAway(stream) { return false }
        guard stream > lastPeerStreamID else {
            switch recentlyClosed.ending(of: stream) {
            case .resetHere: return false
            case .endedByPeer: throw ConnectionFault(.streamClosed, "HEADERS on a stream that has ended")
            case nil: throw ConnectionFault(.protocolError, "a stream's identifier is lower than one before")
            }
        }
        lastPeerStreamID = stream
        if streams.openCount >= configuration.maxConcurrentStreams {
            // Before it has seen the SETTINGS, the peer cannot know the limit.
            try refuse(stream, .refusedStream, isPeersFault: isOwnSettingsAcknowledged)
            return false
        }
        guard isWhole else {
            let slot = open(stream)
            events.list.append(.headersTooLarge(streams.handle(of: slot)))
            if endStream { closeRemotely(slot) }
            return false
        }
        guard let summary = HeaderRules.checkRequest(events.fields, from: first),
            !endStream || summary.contentBytes <= 0
        else {
            try refuse(stream, .protocolError)
            return false
        }
        let slot = open(stream)
        streams.slots[slot].expectedContentBytes = summary.contentBytes
        events.list.append(
            .headers(streams.handle(of: slot), fields: first..<events.fields.count, endStream: endStream)
        )
        if endStream { closeRemotely(slot) }
        return true
    }

    private mutating func open(_ stream: UInt32) -> Int {
        let slot = streams.open(stream, sendWindow: peerInitialWindow, receiveWindow: ownInitialWindow)
        streams.slots[slot].openedAt = now
        streams.slots[slot].hasReceivedHeaders = true
        return slot
    }

    // MARK: Open streams

    /// Fields on an open stream: a response or trailers. Returns whether they became part of an event.
    private mutating func receiveFields(
        _ slot: Int, from first: Int, isWhole: Bool, endStream: Bool, _ events: inout HTTP2Events
    ) throws(ConnectionFault) -> Bool {
        if streams.slots[slot].isRemotelyClosed {
            try resetForError(slot, .streamClosed, &events)
            return false
        }
        let isTrailers = streams.slots[slot].hasReceivedHeaders
        if isTrailers && !endStream {
            try resetForError(slot, .protocolError, &events)
            return false
        }
        guard isWhole else {
            streams.slots[slot].hasReceivedHeaders = true
            events.list.append(.headersTooLarge(streams.handle(of: slot)))
            if endStream { closeRemotely(slot) }
            return false
        }
        if !isTrailers { return try receiveResponse(slot, from: first, endStream: endStream, &events) }
        guard HeaderRules.checkTrailers(events.fields, from: first), isContentLengthKept(slot, isEnd: true) else {
            try resetForError(slot, .protocolError, &events)
            return false
        }
        events.list.append(.trailers(streams.handle(of: slot), fields: first..<events.fields.count))
        closeRemotely(slot)
        return true
    }

    private mutating func receiveResponse(
        _ slot: Int, from first: Int, endStream: Bool, _ events: inout HTTP2Events
    ) throws(ConnectionFault) -> Bool {
        guard let summary = HeaderRules.checkResponse(events.fields, from: first) else {
            try resetForError(slot, .protocolError, &events)
            return false
        }
        if summary.status < 200 {
            // Informational: not the response yet.
            if endStream { try resetForError(slot, .protocolError, &events) }
            return false
        }
        let hasNoContent = streams.slots[slot].isHeadRequest || summary.status == 204 || summary.status == 304
        let expected = hasNoContent ? 0 : summary.contentBytes
        if endStream && expected > 0 {
            try resetForError(slot, .protocolError, &events)
            return false
        }
        streams.slots[slot].hasReceivedHeaders = true
        streams.slots[slot].expectedContentBytes = expected
        events.list.append(
            .headers(streams.handle(of: slot), fields: first..<events.fields.count, endStream: endStream)
        )
        if endStream { closeRemotely(slot) }
        return true
    }
}
