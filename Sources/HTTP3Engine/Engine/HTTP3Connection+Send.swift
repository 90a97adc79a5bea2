package import NodeTransport

// What the owner sends on streams, and how it gives them up.

extension HTTP3Connection {
    /// Sends a request on a bidirectional stream that the owner has just opened.
    ///
    /// - Parameters:
    ///   - prepared: fields made once, pseudo-header fields first.
    ///   - extra: fields sent once, behind them.
    ///   - isFinal: whether the request has neither content nor trailers.
    package mutating func submitRequest(
        stream id: Int64, prepared: [PreparedField], extra: [HeaderPair] = [], isFinal: Bool
    ) throws(HTTP3SendError) {
        guard failure == nil, control.id >= 0 else { throw .closed }
        guard role == .client, id >= 0, id & 3 == 0, streams.stream(id) == nil else { throw .outOfOrder }
        guard peerGoAwayID == nil, sentGoAwayID == nil else { throw .goingAway }
        try checkSize(prepared, extra)
        let stream = streams.open(id)
        for field in prepared {
            if field.isHead { stream.isHeadRequest = true }
            if field.isConnect { stream.isConnect = true }
        }
        for field in extra where field.name == ":method" {
            stream.isHeadRequest = field.value == "HEAD"
            stream.isConnect = field.value == "CONNECT"
        }
        write(prepared, extra, to: stream, isFinal: isFinal)
        stream.writing = isFinal ? .ended : .head
    }

    /// Sends an informational (1xx) response before the response.
    package mutating func submitInformational(
        stream id: Int64, prepared: [PreparedField], extra: [HeaderPair] = []
    ) throws(HTTP3SendError) {
        let stream = try serverStream(id)
        try checkSize(prepared, extra)
        write(prepared, extra, to: stream, isFinal: false)
        stream.writing = .informational
    }

    /// Sends a response's header section; with `isFinal` it is the whole response, as a trailers-only one of gRPC.
    package mutating func submitResponse(
        stream id: Int64, prepared: [PreparedField], extra: [HeaderPair] = [], isFinal: Bool
    ) throws(HTTP3SendError) {
        let stream = try serverStream(id)
        try checkSize(prepared, extra)
        write(prepared, extra, to: stream, isFinal: isFinal)
        stream.writing = isFinal ? .ended : .head
    }

    /// A stream whose response has not begun.
    private func serverStream(_ id: Int64) throws(HTTP3SendError) -> RequestStream {
        guard failure == nil, control.id >= 0 else { throw .closed }
        guard role == .server else { throw .outOfOrder }
        guard let stream = streams.stream(id), stream.writing != .ended else { throw .streamEnded }
        guard stream.writing != .head, stream.reading != .head else { throw .outOfOrder }
        return stream
    }

    /// Sends content in one DATA frame: up to 8 bytes of `prefix`, the highest first, then `payload`, which is retained
    /// until the peer has acknowledged it.
    package mutating func submitBody(
        stream id: Int64, prefix: UInt64 = 0, prefixCount: Int = 0, payload: Bytes, isFinal: Bool
    ) throws(HTTP3SendError) {
        let stream = try sendingStream(id)
        let prefixCount = min(max(prefixCount, 0), 8)
        let byteCount = prefixCount + payload.count
        if byteCount > 0 {
            // One message may exceed the limit alone, or it could never be sent.
            guard
                stream.output.unsentBytes == 0
                    || stream.output.unsentBytes + byteCount <= configuration.maxStreamQueueBytes
            else { throw .queueFull }
            let headerCount = 1 + VariableInteger.length(UInt64(byteCount))
            unsafe stream.output.append(count: headerCount + prefixCount) { target in
                unsafe target.storeBytes(of: UInt8(FrameType.data), as: UInt8.self)
                _ = unsafe VariableInteger.write(UInt64(byteCount), to: target + 1)
                for index in 0..<prefixCount {
                    let byte = UInt8(truncatingIfNeeded: prefix >> UInt64((prefixCount - 1 - index) * 8))
                    unsafe target.storeBytes(of: byte, toByteOffset: headerCount + index, as: UInt8.self)
                }
            }
            stream.output.append(payload)
            if stream.output.unsentBytes >= configuration.streamQueueLowWaterBytes { stream.awaitsDrained = true }
        }
        if isFinal { end(stream) }
        queue(stream)
    }

    /// Sends trailers behind the content; they end this side of the stream.
    package mutating func submitTrailers(
        stream id: Int64, prepared: [PreparedField], extra: [HeaderPair] = []
    ) throws(HTTP3SendError) {
        let stream = try sendingStream(id)
        try checkSize(prepared, extra)
        write(prepared, extra, to: stream, isFinal: true)
        stream.writing = .ended
    }

    /// Ends this side of the stream behind what is queued.
    package mutating func endStream(_ id: Int64) throws(HTTP3SendError) {
        let stream = try sendingStream(id)
        end(stream)
        queue(stream)
    }

    private func end(_ stream: RequestStream) {
        stream.output.end()
        stream.writing = .ended
    }

    private func sendingStream(_ id: Int64) throws(HTTP3SendError) -> RequestStream {
        guard failure == nil else { throw .closed }
        guard let stream = streams.stream(id), stream.writing != .ended else { throw .streamEnded }
        guard stream.writing == .head else { throw .outOfOrder }
        return stream
    }

    /// RFC 9114 §4.2.2: what the peer would refuse is not sent.
    private func checkSize(_ prepared: [PreparedField], _ extra: [HeaderPair]) throws(HTTP3SendError) {
        var byteCount = 0
        for field in prepared { byteCount += unsafe field.text.entryBytes }
        for field in extra { byteCount += field.name.utf8.count + field.value.utf8.count + 32 }
        guard UInt64(byteCount) <= peerSettings.maxFieldSectionBytes else {
            throw .fieldSectionTooLarge(byteCount: byteCount, limit: peerSettings.maxFieldSectionBytes)
        }
    }

    /// Encodes a section into a HEADERS frame.
    private mutating func write(
        _ prepared: [PreparedField], _ extra: [HeaderPair], to stream: RequestStream, isFinal: Bool
    ) {
        let section = encoder.encode(
            stream: stream.id, isCancelled: stream.isDecodingCancelled, prepared, extra)
        let headerCount = 1 + VariableInteger.length(UInt64(section.count))
        unsafe stream.output.append(count: headerCount + section.count) { target in
            unsafe target.storeBytes(of: UInt8(FrameType.headers), as: UInt8.self)
            _ = unsafe VariableInteger.write(UInt64(section.count), to: target + 1)
            unsafe section.copy(to: target + headerCount)
        }
        if encoder.hasInstructions { encoderStream.output.append(encoder.takeInstructions()) }
        if isFinal { stream.output.end() }
        queue(stream)
    }

    /// Gives a stream its place among those that send.
    mutating func queue(_ stream: RequestStream) {
        if stream.wantsTurn { turns.append(stream) }
    }

    // MARK: State

    /// How many bytes of that stream have not been handed to QUIC.
    package func queuedBytes(_ id: Int64) -> Int { streams.stream(id)?.output.unsentBytes ?? 0 }

    /// How many bytes of that stream are kept: not handed to QUIC, or not acknowledged.
    package func bufferedBytes(_ id: Int64) -> Int { streams.stream(id)?.output.keptBytes ?? 0 }

    /// Whether the peer's message on that stream is complete.
    package func isReadComplete(_ id: Int64) -> Bool { streams.stream(id)?.reading == .complete }

    /// Whether the peer's message on that stream may have content: not the response to HEAD, and not one with 204 or 304
    /// (RFC 9110 §6.4.1).
    package func allowsContent(_ id: Int64) -> Bool { streams.stream(id)?.allowsContent ?? true }

    // MARK: Giving up

    /// Reads nothing further of a stream; the owner sends STOP_SENDING. Content still comes with credit at once.
    package mutating func shutdownRead(stream id: Int64, into events: inout HTTP3Events) {
        guard failure == nil, let stream = streams.stream(id) else { return }
        do throws(HTTP3Error) {
            try abandonReading(stream, into: &events)
            closeIfDone(stream, into: &events)
        } catch {
            failure = error
        }
    }

    /// Sends nothing further on a stream; the owner sends RESET_STREAM. What QUIC has been handed stays where it is
    /// until ``closed(stream:into:)``.
    package mutating func shutdownWrite(stream id: Int64) {
        guard let stream = streams.stream(id) else { return }
        abandonWriting(stream)
    }

    /// Gives a stream up in both directions.
    package mutating func reset(stream id: Int64, into events: inout HTTP3Events) {
        shutdownWrite(stream: id)
        shutdownRead(stream: id, into: &events)
    }

    // MARK: The connection's end

    /// Tells the peer that the connection is going to end, without refusing a request yet (RFC 9114 §5.2).
    ///
    /// ``shutdown()`` follows after a round trip.
    package mutating func submitShutdownNotice() {
        goAway(role == .server ? VariableInteger.max - 3 : VariableInteger.max)
    }

    /// Tells the peer which requests are processed: those that have come until now. Later ones are rejected.
    package mutating func shutdown() {
        goAway(role == .server ? UInt64(lastRequestID + 4) : 0)
    }

    private mutating func goAway(_ id: UInt64) {
        guard failure == nil, control.id >= 0 else { return }
        if let sentGoAwayID, id >= sentGoAwayID { return }
        sentGoAwayID = id
        var payload: [UInt8] = []
        VariableInteger.append(id, to: &payload)
        writeControlFrame(FrameType.goAway, payload)
    }
}
