internal import NodeTransport

// Framing what is queued, and handing out the output.

extension HTTP2Engine {
    /// The most of one stream's content that is framed before it is another stream's turn.
    static let maxTurnBytes = 128 << 10

    /// Whether bytes wait to be written.
    package var hasOutput: Bool { !output.isEmpty }

    /// How many bytes wait to be written.
    package var outputBytes: Int { output.count }

    /// Whether ``fill(into:)`` has something to frame that the windows allow.
    package var hasSendableData: Bool { streams.hasReady && connectionSendWindow > 0 }

    /// Moves queued content into the output, in turns, and appends the events that sending has led to.
    ///
    /// It stops where the windows do, and at ``HTTP2Configuration/outputHighWaterBytes`` of output.
    package mutating func fill(into events: inout HTTP2Events) {
        if events.list.isEmpty { streams.releaseDelivered() }
        guard phase == .running else { return }
        while connectionSendWindow > 0, output.count < configuration.outputHighWaterBytes,
            let slot = streams.popReady()
        {
            takeTurn(slot, into: &events)
        }
        streams.deliverClosed(into: &events)
    }

    /// Frames up to one frame of the stream's oldest message.
    private mutating func takeTurn(_ slot: Int, into events: inout HTTP2Events) {
        // The stream may have gone since it became ready, and another have its slot.
        guard streams.slots[slot].phase == .open, !streams.slots[slot].queue.isEmpty else { return }
        let windows = min(connectionSendWindow, streams.slots[slot].sendWindow)
        let frameLimit = min(peerMaxFrameBytes, Self.maxTurnBytes)
        let byteCount = min(
            sendQueue.firstMessageBytes(of: streams.slots[slot].queue), frameLimit, Int(max(windows, 0))
        )
        guard byteCount > 0 else { return }
        let id = streams.slots[slot].id
        let isLast = byteCount == streams.slots[slot].queue.byteCount
        var endsStream = false
        if isLast, case .endStream = streams.slots[slot].ending { endsStream = true }
        sendQueue.frame(byteCount, of: &streams.slots[slot].queue, stream: id, endStream: endsStream, into: &output)
        connectionSendWindow -= Int64(byteCount)
        streams.slots[slot].sendWindow -= Int64(byteCount)
        if streams.slots[slot].awaitsDrained,
            streams.slots[slot].queue.byteCount < configuration.streamQueueLowWaterBytes
        {
            streams.slots[slot].awaitsDrained = false
            events.list.append(.drained(streams.handle(of: slot)))
        }
        guard isLast else { return markReadyIfSendable(slot) }
        if case .trailers(let prepared, let extra) = streams.slots[slot].ending {
            streams.slots[slot].ending = .none
            writeHeaders(stream: id, prepared, extra, endStream: true)
            endsStream = true
        }
        if endsStream { closeLocally(slot) }
    }

    /// Puts the stream into the ready list when it has something queued and a window for it.
    mutating func markReadyIfSendable(_ slot: Int) {
        guard !streams.slots[slot].queue.isEmpty, streams.slots[slot].sendWindow > 0 else { return }
        streams.appendReady(slot)
    }

    /// Lends the first of the waiting bytes, as up to 64 segments, to `body`, which returns how many of
    /// them it has written; the engine drops these. `body` must not keep the pointers.
    ///
    /// It is not called when nothing waits.
    @unsafe
    package mutating func withOutput(_ body: (UnsafeBufferPointer<OutputSegment>) -> Int) {
        unsafe output.withSegments(body)
    }

    // MARK: Frames

    mutating func writeHeaders(
        stream: UInt32, _ prepared: [PreparedField], _ extra: [HeaderPair], endStream: Bool
    ) {
        let start = output.endOffset
        output.appendFrameHeader(length: 0, type: .headers, flags: [], stream: stream)
        encoder.encode(prepared, extra, into: &output)
        let length = output.endOffset - start - FrameHeader.byteCount
        var flags: FrameFlags = endStream ? .endStream : []
        if length <= peerMaxFrameBytes {
            flags.insert(.endHeaders)
            output.overwriteFrameHeader(at: start, length: length, type: .headers, flags: flags, stream: stream)
            return
        }
        let block = output.takeBack(from: start).dropFirst(FrameHeader.byteCount)
        var type = FrameType.headers
        var rest = block
        while !rest.isEmpty {
            let fragment = rest.prefix(peerMaxFrameBytes)
            rest = rest.dropFirst(fragment.count)
            if rest.isEmpty { flags.insert(.endHeaders) }
            output.appendFrameHeader(length: fragment.count, type: type, flags: flags, stream: stream)
            output.append(Array(fragment))
            type = .continuation
            flags = []
        }
    }

    mutating func writeReset(_ stream: UInt32, _ code: HTTP2ErrorCode) {
        output.appendFrameHeader(length: 4, type: .resetStream, flags: [], stream: stream)
        output.append(bigEndian: code.rawValue)
    }

    mutating func writeWindowUpdate(stream: UInt32, _ increment: UInt32) {
        output.appendFrameHeader(length: 4, type: .windowUpdate, flags: [], stream: stream)
        output.append(bigEndian: increment)
    }

    mutating func writeGoAway(lastStreamID: UInt32, _ code: HTTP2ErrorCode, _ debug: String) {
        let text = Array(debug.utf8.prefix(1024))
        output.appendFrameHeader(length: 8 + text.count, type: .goAway, flags: [], stream: 0)
        output.append(bigEndian: lastStreamID)
        output.append(bigEndian: code.rawValue)
        output.append(text)
    }

    mutating func writeInitialSettings() {
        var settings: [(UInt16, Int)] = [
            (SettingID.initialWindowSize, configuration.initialStreamWindowBytes),
            (SettingID.maxHeaderListSize, configuration.maxHeaderListBytes),
        ]
        switch role {
        case .client: settings.append((SettingID.enablePush, 0))
        case .server: settings.append((SettingID.maxConcurrentStreams, configuration.maxConcurrentStreams))
        }
        if configuration.headerTableBytes != 4096 {
            settings.append((SettingID.headerTableSize, configuration.headerTableBytes))
        }
        if configuration.maxFrameBytes != 16_384 {
            settings.append((SettingID.maxFrameSize, configuration.maxFrameBytes))
        }
        output.appendFrameHeader(length: settings.count * 6, type: .settings, flags: [], stream: 0)
        for (id, value) in settings {
            output.append(bigEndian: id)
            output.append(bigEndian: UInt32(truncatingIfNeeded: value))
        }
    }
}
