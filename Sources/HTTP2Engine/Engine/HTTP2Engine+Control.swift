internal import NodeTransport

// SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM and PRIORITY frames.

extension HTTP2Engine {
    mutating func receiveSettings(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        if header.flags.contains(.acknowledge) {
            guard payload.byteCount == 0 else {
                throw ConnectionFault(.frameSizeError, "an acknowledgement of SETTINGS is not empty")
            }
            guard !isOwnSettingsAcknowledged else { return }
            applyOwnSettings()
            events.list.append(.settingsAcknowledged)
            return
        }
        guard payload.byteCount % 6 == 0 else {
            throw ConnectionFault(.frameSizeError, "SETTINGS does not consist of whole parameters")
        }
        guard settingsFrames.admit(now: now) else { throw ConnectionFault(.enhanceYourCalm, "too many SETTINGS") }
        var initialWindow = peerInitialWindow
        var limit = hasPeerSettings ? peerMaxConcurrentStreams : .max
        for offset in stride(from: 0, to: payload.byteCount, by: 6) {
            let value = payload.bigEndian(offset + 2, as: UInt32.self)
            switch payload.bigEndian(offset, as: UInt16.self) {
            case SettingID.headerTableSize:
                encoder.setPeerLimit(Int(value))
            case SettingID.enablePush:
                guard value == 0 || value == 1 && role == .server else {
                    throw ConnectionFault(.protocolError, "SETTINGS_ENABLE_PUSH has an invalid value")
                }
            case SettingID.maxConcurrentStreams:
                limit = value
            case SettingID.initialWindowSize:
                guard value <= UInt32(FlowControl.maxWindow) else {
                    throw ConnectionFault(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE is too large")
                }
                initialWindow = Int64(value)
            case SettingID.maxFrameSize:
                guard value >= 16_384 && value <= 16_777_215 else {
                    throw ConnectionFault(.protocolError, "SETTINGS_MAX_FRAME_SIZE is out of range")
                }
                peerMaxFrameBytes = Int(value)
            case SettingID.maxHeaderListSize:
                peerMaxHeaderListBytes = value
            default:
                break
            }
        }
        peerMaxConcurrentStreams = limit
        try changeSendWindows(to: initialWindow)
        try countControlFrame()
        output.appendFrameHeader(length: 0, type: .settings, flags: .acknowledge, stream: 0)
        if !hasPeerSettings {
            hasPeerSettings = true
            events.list.append(.settingsReceived)
        }
    }

    /// The peer has changed its initial window: open streams change by the difference (RFC 9113 §6.9.2).
    private mutating func changeSendWindows(to initialWindow: Int64) throws(ConnectionFault) {
        let difference = initialWindow - peerInitialWindow
        guard difference != 0 else { return }
        peerInitialWindow = initialWindow
        for slot in streams.slots.indices where streams.slots[slot].phase == .open {
            streams.slots[slot].sendWindow += difference
            guard streams.slots[slot].sendWindow <= Int64(FlowControl.maxWindow) else {
                throw ConnectionFault(.flowControlError, "a window is larger than 2^31 − 1")
            }
            markReadyIfSendable(slot)
        }
    }

    /// The peer has acknowledged this side's SETTINGS.
    private mutating func applyOwnSettings() {
        isOwnSettingsAcknowledged = true
        decoder.setTableLimit(configuration.headerTableBytes)
        let window = Int64(configuration.initialStreamWindowBytes)
        let difference = window - ownInitialWindow
        ownInitialWindow = window
        guard difference != 0 else { return }
        for slot in streams.slots.indices where streams.slots[slot].phase == .open {
            streams.slots[slot].receiveWindow += difference
        }
    }

    mutating func receivePing(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        let opaque = payload.bigEndian(0, as: UInt64.self)
        if header.flags.contains(.acknowledge) {
            events.list.append(.pingAcknowledged(opaque))
            return
        }
        pingsReceived &+= 1
        guard pings.admit(now: now) else { throw ConnectionFault(.enhanceYourCalm, "too many PINGs") }
        try countControlFrame()
        output.appendFrameHeader(length: 8, type: .ping, flags: .acknowledge, stream: 0)
        output.append(bigEndian: opaque)
    }

    mutating func receiveGoAway(_ payload: RawSpan, _ events: inout HTTP2Events) throws(ConnectionFault) {
        guard payload.byteCount >= 8 else { throw ConnectionFault(.frameSizeError, "GOAWAY is too short") }
        let announced = payload.bigEndian(0, as: UInt32.self) & 0x7fff_ffff
        let code = HTTP2ErrorCode(rawValue: payload.bigEndian(4, as: UInt32.self))
        // It must not grow (RFC 9113 §6.8).
        let last = min(announced, peerGoAwayID ?? announced)
        peerGoAwayID = last
        let debug = Bytes(copying: payload.extracting(8..<min(payload.byteCount, 8 + 1024)))
        events.goAway(lastStreamID: last, code, debug: debug)
        guard role == .client else { return }
        for slot in streams.slots.indices where streams.slots[slot].phase == .open && streams.slots[slot].id > last {
            events.list.append(.unprocessed(streams.handle(of: slot)))
            finish(slot, .resetHere)
        }
    }

    mutating func receiveWindowUpdate(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        let increment = Int64(payload.bigEndian(0, as: UInt32.self) & 0x7fff_ffff)
        if header.stream == 0 {
            guard increment > 0 else { throw ConnectionFault(.protocolError, "WINDOW_UPDATE by 0") }
            connectionSendWindow += increment
            guard connectionSendWindow <= Int64(FlowControl.maxWindow) else {
                throw ConnectionFault(.flowControlError, "a window is larger than 2^31 − 1")
            }
            return
        }
        guard let slot = streams.slot(of: header.stream) else {
            if isIdle(header.stream) { throw ConnectionFault(.protocolError, "WINDOW_UPDATE on an idle stream") }
            return
        }
        guard increment > 0 else { return try resetForError(slot, .protocolError, &events) }
        guard streams.slots[slot].sendWindow + increment <= Int64(FlowControl.maxWindow) else {
            return try resetForError(slot, .flowControlError, &events)
        }
        streams.slots[slot].sendWindow += increment
        markReadyIfSendable(slot)
    }

    mutating func receiveReset(
        _ header: FrameHeader, _ payload: RawSpan, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        if isIdle(header.stream) { throw ConnectionFault(.protocolError, "RST_STREAM on an idle stream") }
        guard let slot = streams.slot(of: header.stream) else { return }
        let code = HTTP2ErrorCode(rawValue: payload.bigEndian(0, as: UInt32.self))
        let handle = streams.handle(of: slot)
        let isUnprocessed = role == .client && code == .refusedStream && !streams.slots[slot].hasReceivedHeaders
        events.list.append(isUnprocessed ? .unprocessed(handle) : .reset(handle, code, byPeer: true))
        // A call that is given up while its server takes its time is no attack, nor is the slower copy of a hedged one.
        let isRapid = now &- streams.slots[slot].openedAt < configuration.rapidResetNanoseconds
        finish(slot, .endedByPeer)
        if role == .server && isRapid && !resets.admit(now: now) {
            throw ConnectionFault(.enhanceYourCalm, "too many streams were reset")
        }
    }

    /// PRIORITY is ignored, as RFC 9113 §5.3.2 allows, but has to be of its size.
    mutating func receivePriority(_ header: FrameHeader, _ events: inout HTTP2Events) throws(ConnectionFault) {
        guard header.length != 5 else { return }
        guard let slot = streams.slot(of: header.stream) else {
            throw ConnectionFault(.frameSizeError, "PRIORITY is not of 5 bytes")
        }
        try resetForError(slot, .frameSizeError, &events)
    }

    // MARK: Ending streams

    /// Ends an open stream for the peer's error on it (RFC 9113 §5.4.2).
    mutating func resetForError(
        _ slot: Int, _ code: HTTP2ErrorCode, _ events: inout HTTP2Events
    ) throws(ConnectionFault) {
        let handle = streams.handle(of: slot)
        events.list.append(.reset(handle, code, byPeer: false))
        finish(slot, .resetHere)
        try refuse(handle.id, code)
    }

    /// Sends RST_STREAM on a stream that is not open (any more).
    mutating func refuse(
        _ stream: UInt32, _ code: HTTP2ErrorCode, isPeersFault: Bool = true
    ) throws(ConnectionFault) {
        if recentlyClosed.ending(of: stream) == nil { recentlyClosed.insert(stream, .resetHere) }
        try countControlFrame()
        writeReset(stream, code)
        if isPeersFault && role == .server && !resets.admit(now: now) {
            throw ConnectionFault(.enhanceYourCalm, "too many streams had to be reset")
        }
    }

    /// Counts an answer that the peer provoked.
    private mutating func countControlFrame() throws(ConnectionFault) {
        let waiting = queuedControlFrames.add(writtenBytes: output.writtenBytes, queuedBytes: output.count)
        guard waiting <= configuration.maxQueuedControlFrames else {
            throw ConnectionFault(.enhanceYourCalm, "the peer sends but does not read")
        }
    }

    mutating func closeRemotely(_ slot: Int) {
        streams.slots[slot].isRemotelyClosed = true
        if streams.slots[slot].isLocallyClosed { finish(slot, .endedByPeer) }
    }

    mutating func closeLocally(_ slot: Int) {
        streams.slots[slot].isLocallyClosed = true
        if streams.slots[slot].isRemotelyClosed {
            finish(slot, .endedByPeer)
            if role == .server { resets.makeUp() }
        } else if role == .server {
            // The response is complete, so the rest of the request is not wanted (RFC 9113 §8.1).
            writeReset(streams.slots[slot].id, .noError)
            finish(slot, .resetHere)
        }
    }

    /// Takes an open stream out of the table; what it had queued is dropped.
    mutating func finish(_ slot: Int, _ ending: RecentlyClosed.Ending) {
        recentlyClosed.insert(streams.slots[slot].id, ending)
        sendQueue.removeAll(of: &streams.slots[slot].queue)
        streams.close(slot)
    }
}
