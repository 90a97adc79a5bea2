internal import NodeTransport

// The peer's unidirectional streams (RFC 9114 §6.2): control, QPACK, and those that nobody knows.

extension HTTP3Connection {
    mutating func receiveUnidirectional(
        _ id: Int64, _ bytes: RawSpan, isFinal: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) -> Int {
        guard !isOwn(id) else { return bytes.byteCount }
        var offset = 0
        let stream = try peerStreams[id] ?? .unidentified(value: 0, count: 0, length: 0)
        let kind = try identify(id, stream, bytes, at: &offset, into: &events)
        // A stream that ends before its type is complete is none (RFC 9114 §6.2).
        peerStreams[id] = isFinal && !kind.isCritical ? nil : kind
        if isFinal, kind.isCritical { throw HTTP3Error(.closedCriticalStream, "the peer ended a critical stream") }
        let rest = bytes.extracting(offset..<bytes.byteCount)
        guard rest.byteCount > 0 else { return bytes.byteCount }
        switch kind {
        case .control: try receiveControl(rest, into: &events)
        case .qpackEncoder:
            try decoder.receive(encoderStream: rest)
            if !blocked.isEmpty { try resumeBlocked(into: &events) }
        case .qpackDecoder:
            for stream in try encoder.receive(decoderStream: rest) {
                streams.stream(stream)?.isDecodingCancelled = true
            }
        case .unidentified, .ignored: break
        }
        return bytes.byteCount
    }

    /// Reads a stream's type, which may come one byte at a time.
    private mutating func identify(
        _ id: Int64, _ stream: PeerStream, _ bytes: RawSpan, at offset: inout Int, into events: inout HTTP3Events
    ) throws(HTTP3Error) -> PeerStream {
        guard case .unidentified(var value, var count, var length) = stream else { return stream }
        while offset < bytes.byteCount {
            let byte = bytes.byte(offset)
            offset += 1
            if count == 0 {
                length = 1 << Int(byte >> 6)
                value = UInt64(byte & 0x3f)
            } else {
                value = value << 8 | UInt64(byte)
            }
            count += 1
            if count == length { return try begin(id, type: value, into: &events) }
        }
        return .unidentified(value: value, count: count, length: length)
    }

    private func begin(_ id: Int64, type: UInt64, into events: inout HTTP3Events) throws(HTTP3Error) -> PeerStream {
        let kind: PeerStream
        switch type {
        case StreamType.control: kind = .control
        case StreamType.qpackEncoder: kind = .qpackEncoder
        case StreamType.qpackDecoder: kind = .qpackDecoder
        case StreamType.push:
            throw role == .client
                ? HTTP3Error(.idError, "a push stream, which was never allowed")
                : HTTP3Error(.streamCreationError, "a client opened a push stream")
        default:
            events.list.append(.refuseStream(id, .streamCreationError))
            return .ignored
        }
        for (_, other) in peerStreams {
            switch (kind, other) {
            case (.control, .control), (.qpackEncoder, .qpackEncoder), (.qpackDecoder, .qpackDecoder):
                throw HTTP3Error(.streamCreationError, "a second stream of type 0x\(String(type, radix: 16))")
            default: continue
            }
        }
        return kind
    }

    /// A unidirectional stream of the peer has been reset or closed.
    mutating func peerStreamEnded(_ id: Int64) throws(HTTP3Error) {
        guard let stream = peerStreams.removeValue(forKey: id), stream.isCritical else { return }
        throw HTTP3Error(.closedCriticalStream, "the peer closed a critical stream")
    }

    // MARK: The control stream

    private mutating func receiveControl(_ bytes: RawSpan, into events: inout HTTP3Events) throws(HTTP3Error) {
        var offset = 0
        while let frame = try peerControl.next(bytes, at: &offset, maxFrameBytes: configuration.maxControlFrameBytes) {
            switch frame {
            case .settings(let settings):
                if let assumed { try assumed.check(settings) }
                peerSettings = settings
                hasReceivedSettings = true
                encoder.setPeerLimits(
                    tableBytes: settings.dynamicTableBytes, blockedStreams: settings.blockedStreams)
                events.list.append(.settingsReceived)
            case .goAway(let id): try receivedGoAway(id, into: &events)
            case .maxPushID(let id):
                guard role == .server else { throw HTTP3Error(.frameUnexpected, "a server sent MAX_PUSH_ID") }
                // RFC 9114 §7.2.7.
                if let peerMaxPushID, id < peerMaxPushID { throw HTTP3Error(.idError, "MAX_PUSH_ID went back") }
                peerMaxPushID = id
            case .cancelPush:
                // RFC 9114 §7.2.3: no push was ever promised or allowed.
                throw HTTP3Error(.idError, "CANCEL_PUSH for a push that does not exist")
            case .priorityUpdate(let stream):
                // RFC 9218 §7.1 and §7.2; what it asks for is advice, and not taken.
                guard role == .server else { throw HTTP3Error(.frameUnexpected, "a server sent PRIORITY_UPDATE") }
                guard stream & 3 == 0 else { throw HTTP3Error(.idError, "PRIORITY_UPDATE for no request stream") }
            case .priorityUpdatePush:
                throw role == .server
                    ? HTTP3Error(.idError, "PRIORITY_UPDATE for a push that does not exist")
                    : HTTP3Error(.frameUnexpected, "a server sent PRIORITY_UPDATE")
            }
        }
    }

    private mutating func receivedGoAway(_ id: UInt64, into events: inout HTTP3Events) throws(HTTP3Error) {
        if role == .client, id & 3 != 0 { throw HTTP3Error(.idError, "GOAWAY names no request stream") }
        if let peerGoAwayID, id > peerGoAwayID { throw HTTP3Error(.idError, "GOAWAY names a later stream than before") }
        peerGoAwayID = id
        events.list.append(.goAway(id))
        guard role == .client else { return }
        for stream in streams.all where UInt64(bitPattern: stream.id) >= id && stream.reading == .head {
            try abandonReading(stream, into: &events)
            abandonWriting(stream)
            events.list.append(.unprocessed(stream.id))
        }
    }
}
