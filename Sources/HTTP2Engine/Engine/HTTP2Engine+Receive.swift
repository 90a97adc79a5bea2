// Cutting the input into frames.

extension HTTP2Engine {
    /// Takes in what the peer sent, all of it, and appends what that means to `events`.
    ///
    /// - Parameters:
    ///   - bytes: read from the connection; ``HTTP2Event/data(_:chunk:flowBytes:endStream:)`` refers to them.
    ///   - now: monotonic nanoseconds, for the abuse limits.
    @unsafe
    package mutating func receive(
        _ bytes: UnsafeRawBufferPointer, now: Int64, into events: inout HTTP2Events
    ) {
        if events.list.isEmpty { streams.releaseDelivered() }
        guard phase == .running else { return }
        self.now = now
        do throws(ConnectionFault) {
            try unsafe consume(RawSpan(_unsafeBytes: bytes), &events)
            streams.deliverClosed(into: &events)
        } catch {
            fail(error, into: &events)
        }
    }

    /// Notes that the peer sends no more. With streams open, or in the middle of a frame, that is
    /// ``HTTP2Event/connectionFailed(_:text:)`` with `noError`.
    package mutating func receivedEOF(into events: inout HTTP2Events) {
        guard phase == .running else { return }
        let isClean = input.isAtFrameBoundary && !headerBlock.isActive && streams.openCount == 0
        phase = .ended
        streams.deliverClosed(into: &events)
        if !isClean { events.connectionFailed(.noError, "the peer closed the connection") }
    }

    /// Ends the connection for an error of the peer: GOAWAY goes into the output.
    mutating func fail(_ fault: ConnectionFault, into events: inout HTTP2Events) {
        let reason = "\(fault.reason)"
        writeGoAway(
            lastStreamID: sentGoAwayID.map { min($0, lastPeerStreamID) } ?? lastPeerStreamID, fault.code, reason)
        phase = .ended
        input.partialFrame = []
        headerBlock = HeaderBlockAssembly()
        streams.deliverClosed(into: &events)
        events.connectionFailed(fault.code, reason)
    }

    private mutating func consume(_ bytes: RawSpan, _ events: inout HTTP2Events) throws(ConnectionFault) {
        var at = 0
        let end = bytes.byteCount
        if input.expectedPrefaceBytes > 0 { try consumePreface(bytes, &at) }
        while at < end {
            // Events come in the order of the frames, however these are batched.
            streams.deliverClosed(into: &events)
            if input.payload.remainingBytes > 0 {
                try consumePayload(bytes, &at, &events)
                continue
            }
            if !input.partialFrame.isEmpty {
                try continuePartialFrame(bytes, &at, &events)
                continue
            }
            guard end - at >= FrameHeader.byteCount else {
                input.partialFrame.append(bytes.extracting(at..<end))
                return
            }
            let header = FrameHeader(bytes, at: at)
            try check(header)
            if header.type == .data {
                at += FrameHeader.byteCount
                try beginData(header, at: at, &events)
            } else if !header.type.isKnown {
                at += FrameHeader.byteCount
                beginDropping(header.length)
            } else {
                let payloadStart = at + FrameHeader.byteCount
                guard end - payloadStart >= header.length else {
                    input.partialFrame.append(bytes.extracting(at..<end))
                    return
                }
                at = payloadStart + header.length
                try handle(header, bytes.extracting(payloadStart..<at), &events)
            }
        }
    }

    private mutating func consumePreface(_ bytes: RawSpan, _ at: inout Int) throws(ConnectionFault) {
        let preface = FrameInput.clientPreface
        while input.expectedPrefaceBytes > 0 && at < bytes.byteCount {
            guard bytes.byte(at) == preface[preface.count - input.expectedPrefaceBytes] else {
                throw ConnectionFault(.protocolError, "the client's connection preface is missing")
            }
            input.expectedPrefaceBytes -= 1
            at += 1
        }
    }

    /// Completes the frame whose beginning came with an earlier input, as far as `bytes` reach.
    private mutating func continuePartialFrame(
        _ bytes: RawSpan, _ at: inout Int, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        let missingHeader = FrameHeader.byteCount - input.partialFrame.count
        if missingHeader > 0 {
            let taken = min(missingHeader, bytes.byteCount - at)
            input.partialFrame.append(bytes.extracting(at..<at + taken))
            at += taken
            if taken < missingHeader { return }
            let header = unsafe FrameHeader(input.partialFrame.span.bytes, at: 0)
            try check(header)
            if header.type == .data {
                input.partialFrame.removeAll(keepingCapacity: true)
                return try beginData(header, at: at, &events)
            }
            if !header.type.isKnown {
                input.partialFrame.removeAll(keepingCapacity: true)
                return beginDropping(header.length)
            }
        }
        let header = unsafe FrameHeader(input.partialFrame.span.bytes, at: 0)
        let missing = FrameHeader.byteCount + header.length - input.partialFrame.count
        let taken = min(missing, bytes.byteCount - at)
        input.partialFrame.append(bytes.extracting(at..<at + taken))
        at += taken
        if taken < missing { return }
        var frame: [UInt8] = []
        swap(&frame, &input.partialFrame)
        try unsafe handle(header, frame.span.bytes.extracting(FrameHeader.byteCount..<frame.count), &events)
        // Keep the memory for the next one, unless it is large.
        if frame.capacity <= 1024 {
            frame.removeAll(keepingCapacity: true)
            swap(&frame, &input.partialFrame)
        }
    }

    /// What can be refused before the payload has arrived.
    ///
    /// It is `mutating` so that the engine is not copied: a large value is, for a method that is not.
    private mutating func check(_ header: FrameHeader) throws(ConnectionFault) {
        guard header.length <= configuration.maxFrameBytes else {
            throw ConnectionFault(.frameSizeError, "a frame is larger than SETTINGS_MAX_FRAME_SIZE")
        }
        if headerBlock.isActive {
            guard header.type == .continuation, header.stream == headerBlock.stream else {
                throw ConnectionFault(.protocolError, "a header block is interrupted by another frame")
            }
        }
        if !hasPeerSettings {
            guard header.type == .settings, !header.flags.contains(.acknowledge) else {
                throw ConnectionFault(.protocolError, "the first frame is not SETTINGS")
            }
        }
        let requiredLength: Int
        var isOnStream = true
        switch header.type {
        case .settings, .goAway, .ping:
            isOnStream = false
            requiredLength = header.type == .ping ? 8 : header.length
        case .windowUpdate:
            isOnStream = header.stream != 0
            requiredLength = 4
        case .resetStream:
            requiredLength = 4
        case .pushPromise:
            throw ConnectionFault(.protocolError, "server push is switched off")
        case .data, .headers, .continuation, .priority:
            requiredLength = header.length
        default:
            return
        }
        guard isOnStream == (header.stream != 0) else {
            throw ConnectionFault(.protocolError, "a frame is on stream 0, or not on it, against its type")
        }
        guard header.length == requiredLength else {
            throw ConnectionFault(.frameSizeError, "a frame's length does not fit its type")
        }
        guard header.type == .data || header.length <= 16_384 + configuration.maxContinuationBytes else {
            throw ConnectionFault(.enhanceYourCalm, "a frame that has to be buffered is too large")
        }
    }

    private mutating func handle(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        switch header.type {
        case .headers: try receiveHeaders(header, payload, &events)
        case .continuation: try receiveContinuation(header, payload, &events)
        case .priority: try receivePriority(header, &events)
        case .resetStream: try receiveReset(header, payload, &events)
        case .settings: try receiveSettings(header, payload, &events)
        case .ping: try receivePing(header, payload, &events)
        case .goAway: try receiveGoAway(payload, &events)
        case .windowUpdate: try receiveWindowUpdate(header, payload, &events)
        default: break
        }
    }

    private mutating func beginDropping(_ length: Int) {
        input.payload = FrameInput.Payload()
        input.payload.remainingBytes = length
    }

    /// Whether no frame may be about that stream yet (RFC 9113 §5.1, "idle").
    func isIdle(_ id: UInt32) -> Bool {
        guard id & 1 == 1 else { return true }
        switch role {
        case .client: return id >= nextStreamID
        case .server: return id > lastPeerStreamID && !isBeyondGoAway(id)
        }
    }

    /// Whether this server has announced that it ignores the stream.
    func isBeyondGoAway(_ id: UInt32) -> Bool {
        guard role == .server, let last = sentGoAwayID else { return false }
        return id > last
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
