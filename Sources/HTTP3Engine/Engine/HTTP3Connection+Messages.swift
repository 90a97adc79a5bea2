internal import NodeTransport

// The frames of request streams (RFC 9114 §4.1 and §7).

extension HTTP3Connection {
    /// Reads frames. Answers how many of the bytes are dealt with; the rest is content or held.
    mutating func read(
        _ stream: RequestStream, _ bytes: RawSpan, held: Bytes?, isFinal: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) -> Int {
        var offset = 0
        var credit = 0
        while offset < bytes.byteCount {
            if stream.reading == .ignored { return credit + bytes.byteCount - offset }
            guard stream.isInFrame else {
                let start = offset
                let header = stream.frameHeader.read(bytes, at: &offset)
                credit += offset - start
                guard let header else { break }
                let isEnd = isFinal && offset == bytes.byteCount
                try beginFrame(stream, header.type, header.length, isEnd: isEnd, into: &events)
                continue
            }
            let count = Int(min(UInt64(bytes.byteCount - offset), stream.frameLeft))
            let range = offset..<offset + count
            offset = range.upperBound
            stream.frameLeft -= UInt64(count)
            stream.isInFrame = stream.frameLeft > 0
            switch stream.frameType {
            case FrameType.data:
                stream.contentBytes += Int64(count)
                events.list.append(.data(stream.id, HTTP3Content(range: range, held: held)))
            case FrameType.headers:
                credit += count
                let isEnd = isFinal && offset == bytes.byteCount
                try readSection(stream, bytes.extracting(range), isEnd: isEnd, into: &events)
            default: credit += count
            }
            if stream.isBlocked {
                stream.hold(bytes.extracting(offset..<bytes.byteCount))
                stream.isEndHeld = isFinal
                return credit
            }
        }
        if isFinal, stream.reading != .ignored { try finish(stream, into: &events) }
        return credit
    }

    private mutating func beginFrame(
        _ stream: RequestStream, _ type: UInt64, _ length: UInt64, isEnd: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        stream.frameType = type
        stream.frameLeft = length
        stream.isInFrame = length > 0
        switch type {
        case FrameType.data: try beginContent(stream, length, into: &events)
        case FrameType.headers: try beginSection(stream, length, isEnd: isEnd, into: &events)
        case FrameType.pushPromise:
            // RFC 9114 §7.2.5: this side never allowed a push.
            throw role == .client
                ? HTTP3Error(.idError, "a push, which was never allowed")
                : HTTP3Error(.frameUnexpected, "a client sent PUSH_PROMISE")
        case _ where FrameType.isForbiddenOnRequests(type):
            throw HTTP3Error(.frameUnexpected, "frame 0x\(String(type, radix: 16)) on a request stream")
        default: try countIdleFrame(stream)
        }
    }

    private mutating func beginContent(
        _ stream: RequestStream, _ length: UInt64, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        guard stream.reading == .content else {
            throw HTTP3Error(.frameUnexpected, "DATA before a header section or behind the trailers")
        }
        guard length > 0 else { return try countIdleFrame(stream) }
        stream.idleFrames = 0
        guard stream.allowsContent else {
            return try fail(stream, .messageError, "content where none is allowed", into: &events)
        }
        if stream.expectedContentBytes >= 0, length > UInt64(stream.expectedContentBytes - stream.contentBytes) {
            try fail(stream, .messageError, "more content than the content-length says", into: &events)
        }
    }

    private mutating func beginSection(
        _ stream: RequestStream, _ length: UInt64, isEnd: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        guard stream.reading == .head || stream.reading == .content && !stream.isConnect else {
            throw HTTP3Error(.frameUnexpected, "HEADERS behind the trailers, or in a tunnel")
        }
        // An encoded section is hardly ever longer than what it stands for, of which each field counts 32 bytes more.
        guard length <= UInt64(configuration.maxFieldSectionBytes + 64) else {
            return try refuseSection(stream, into: &events)
        }
        if length == 0 { try readSection(stream, RawSpan(), isEnd: isEnd, into: &events) }
    }

    private func countIdleFrame(_ stream: RequestStream) throws(HTTP3Error) {
        stream.idleFrames += 1
        guard stream.idleFrames <= configuration.maxIdleFrames else {
            throw HTTP3Error(.excessiveLoad, "over \(configuration.maxIdleFrames) frames without content")
        }
    }

    private mutating func refuseSection(
        _ stream: RequestStream, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        try abandonReading(stream, into: &events)
        events.list.append(.headersTooLarge(stream.id))
    }

    // MARK: Field sections

    /// Takes a part of a section; the last one when the frame is complete.
    private mutating func readSection(
        _ stream: RequestStream, _ part: RawSpan, isEnd: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        // Decoding begins when all is there, so that a peer cannot make this side allocate what it only announces.
        if stream.isInFrame || !stream.sectionBytes.isEmpty {
            unsafe part.withUnsafeBytes { unsafe stream.sectionBytes.append(contentsOf: $0) }
        }
        guard !stream.isInFrame else { return }
        guard stream.sectionBytes.isEmpty else {
            return try decodeCollected(stream, isEnd: isEnd, into: &events)
        }
        try decode(stream, part, isEnd: isEnd, into: &events)
    }

    private mutating func decodeCollected(
        _ stream: RequestStream, isEnd: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        let collected = stream.sectionBytes
        stream.sectionBytes = []
        try unsafe decode(stream, collected.span.bytes, isEnd: isEnd, into: &events)
    }

    private mutating func decode(
        _ stream: RequestStream, _ bytes: RawSpan, isEnd: Bool, into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        // What goes on behind a block was not received at once.
        let isWhole = stream.section == nil
        if isWhole, let known = decoder.known(bytes, stream: stream.id) {
            let first = events.fields.count
            events.fields.append(contentsOf: known.fields)
            return try finishSection(stream, from: first, known, isEnd: isEnd, into: &events)
        }
        let section: QPACKDecoder.Section
        if let begun = stream.section.take() {
            section = begun
        } else {
            section = try decoder.section(stream: stream.id)
        }
        let first = events.fields.count
        var limits = QPACKDecoder.Limits(
            bytes: configuration.maxFieldSectionBytes, fields: configuration.maxFieldCount)
        switch try decoder.decode(bytes, section, limits: &limits, into: &events.fields) {
        case .blocked(let readBytes):
            guard blocked.count < configuration.maxBlockedStreams else {
                throw HTTP3Error(.qpackDecompressionFailed, "too many streams wait for the encoder stream")
            }
            stream.section = consume section
            stream.isBlocked = true
            unsafe bytes.extracting(readBytes..<bytes.byteCount).withUnsafeBytes { rest in
                stream.sectionBytes = unsafe Array(rest)
            }
            blocked.append(stream)
        case .complete:
            if limits.isExceeded {
                events.fields.removeLast(events.fields.count - first)
                return try refuseSection(stream, into: &events)
            }
            if isWhole { decoder.keep(bytes, events.fields[first...]) }
            try finishSection(stream, from: first, nil, isEnd: isEnd, into: &events)
        }
    }

    private mutating func finishSection(
        _ stream: RequestStream, from first: Int, _ known: SectionCache.Section?, isEnd: Bool,
        into events: inout HTTP3Events
    ) throws(HTTP3Error) {
        let fields = first..<events.fields.count
        do throws(HeaderRules.Refusal) {
            guard stream.reading == .head else {
                if known?.isTrailers != true { try HeaderRules.checkTrailers(events.fields, from: first) }
                known?.isTrailers = true
                stream.reading = .trailersRead
                events.list.append(.trailers(stream.id, fields: fields))
                return
            }
            if role == .server {
                let summary =
                    if let found = known?.summary { found } else {
                        try HeaderRules.checkRequest(events.fields, from: first)
                    }
                known?.summary = summary
                stream.isConnect = summary.isConnect
                stream.isHeadRequest = summary.isHead
                stream.expectedContentBytes = summary.isConnect ? -1 : summary.contentBytes
            } else {
                let summary =
                    if let found = known?.summary { found } else {
                        try HeaderRules.checkResponse(events.fields, from: first)
                    }
                known?.summary = summary
                if summary.status < 200 {
                    events.list.append(.informational(stream.id, fields: fields))
                    return try countInformational(stream)
                }
                expectContent(stream, summary)
            }
            stream.reading = .content
            events.list.append(.headers(stream.id, fields: fields, isEnd: isEnd))
        } catch {
            events.fields.removeLast(events.fields.count - first)
            try fail(stream, .messageError, "\(error.reason)", into: &events)
        }
    }

    private func countInformational(_ stream: RequestStream) throws(HeaderRules.Refusal) {
        stream.idleFrames += 1
        guard stream.idleFrames <= configuration.maxIdleFrames else {
            throw HeaderRules.Refusal("too many informational responses")
        }
    }

    /// Which content a response may have (RFC 9110 §6.4.1 and §8.6).
    private func expectContent(_ stream: RequestStream, _ summary: HeaderRules.Summary) {
        if stream.isConnect {
            // Only what was accepted is a tunnel.
            stream.isConnect = summary.status < 300
            stream.expectedContentBytes = stream.isConnect ? -1 : summary.contentBytes
        } else if stream.isHeadRequest || summary.status == 204 || summary.status == 304 {
            stream.allowsContent = false
        } else {
            stream.expectedContentBytes = summary.contentBytes
        }
    }

    private mutating func finish(_ stream: RequestStream, into events: inout HTTP3Events) throws(HTTP3Error) {
        guard !stream.isInFrame, stream.frameHeader.partialCount == 0 else {
            throw HTTP3Error(.frameError, "a stream ends within a frame")
        }
        switch stream.reading {
        case .head:
            if role == .server {
                try fail(stream, .requestIncomplete, "the stream ended before its request", into: &events)
            } else {
                try fail(stream, .messageError, "the stream ended before its response", into: &events)
            }
        case .content, .trailersRead:
            guard stream.expectedContentBytes < 0 || stream.expectedContentBytes == stream.contentBytes else {
                return try fail(stream, .messageError, "less content than the content-length says", into: &events)
            }
            stream.reading = .complete
            events.list.append(.end(stream.id))
        case .complete, .ignored: break
        }
    }

    // MARK: After the encoder stream

    /// Goes on with the streams whose entries have come.
    mutating func resumeBlocked(into events: inout HTTP3Events) throws(HTTP3Error) {
        var position = 0
        while position < blocked.count {
            let stream = blocked[position]
            guard isReady(stream) else {
                position += 1
                continue
            }
            blocked.remove(at: position)
            stream.isBlocked = false
            let held = stream.held.take()?.finish() ?? Bytes()
            let isFinal = stream.isEndHeld
            stream.isEndHeld = false
            try decodeCollected(stream, isEnd: isFinal && held.isEmpty, into: &events)
            let credit = try read(stream, held.bytes, held: held, isFinal: isFinal, into: &events)
            if credit > 0 { events.list.append(.consumed(stream.id, credit)) }
            closeIfDone(stream, into: &events)
        }
    }

    private func isReady(_ stream: RequestStream) -> Bool {
        guard let section = stream.section.take() else { return true }
        let isReady = decoder.isReady(section)
        stream.section = consume section
        return isReady
    }
}
