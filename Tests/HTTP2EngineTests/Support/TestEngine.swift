import NodeTransport

@testable import HTTP2Engine

/// An event with its fields and content copied out.
enum Seen: Equatable {
    case headers(UInt32, [String], endStream: Bool)
    case trailers(UInt32, [String])
    case data(UInt32, [UInt8], endStream: Bool)
    case headersTooLarge(UInt32)
    case reset(UInt32, HTTP2ErrorCode, byPeer: Bool)
    case unprocessed(UInt32)
    case closed(UInt32)
    case drained(UInt32)
    case goAway(UInt32, HTTP2ErrorCode, String)
    case settingsReceived
    case settingsAcknowledged
    case pingAcknowledged(UInt64)
    case connectionFailed(HTTP2ErrorCode)
}

/// An engine, its events and its output, for tests.
final class TestEngine {
    var engine: HTTP2Engine
    var events = HTTP2Events()
    /// Everything that has happened so far.
    var seen: [Seen] = []
    /// The handles of streams by identifier, as events or `open` gave them.
    var handles: [UInt32: StreamHandle] = [:]
    /// Gives flow-control credit back as soon as content arrives.
    var consumesAtOnce = true
    /// Takes content that is to come past the engine, and tells it.
    var takesContentItself = false
    var now: Int64 = 0

    init(_ role: HTTP2Role, _ configuration: HTTP2Configuration = HTTP2Configuration()) {
        engine = HTTP2Engine(role: role, configuration: configuration)
    }

    /// A server past the handshake with a peer that is written by hand.
    static func server(
        _ configuration: HTTP2Configuration = HTTP2Configuration(), settings: [(UInt16, UInt32)] = []
    ) -> TestEngine {
        let server = TestEngine(.server, configuration)
        server.engine.start()
        server.receive(Raw.preface + Raw.settings(settings) + Raw.settingsAcknowledgement)
        _ = server.takeOutput()
        server.seen = []
        return server
    }

    /// A client past the handshake with a peer that is written by hand.
    static func client(
        _ configuration: HTTP2Configuration = HTTP2Configuration(), settings: [(UInt16, UInt32)] = []
    ) -> TestEngine {
        let client = TestEngine(.client, configuration)
        client.engine.start()
        client.receive(Raw.settings(settings) + Raw.settingsAcknowledgement)
        _ = client.takeOutput()
        client.seen = []
        return client
    }

    func receive(_ bytes: [UInt8]) {
        var bytes = bytes
        if takesContentItself, let next = engine.contentToCome {
            let content = Array(bytes.prefix(next.byteCount))
            engine.receiveContent(byteCount: content.count, now: now, into: &events)
            record([], content: content)
            bytes.removeFirst(content.count)
        }
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe engine.receive(buffer, now: now, into: &events)
        }
        record(bytes)
    }

    func receiveEOF() {
        engine.receivedEOF(into: &events)
        record([])
    }

    func fill() {
        engine.fill(into: &events)
        record([])
    }

    /// Frames what it can, and takes up to `limit` bytes of output.
    func takeOutput(filling: Bool = true, limit: Int = .max) -> [UInt8] {
        var bytes: [UInt8] = []
        if filling { fill() }
        while engine.hasOutput && bytes.count < limit {
            unsafe engine.withOutput { segments in
                var taken = 0
                for position in segments.indices where bytes.count < limit {
                    let segment = unsafe segments[position]
                    let count = unsafe min(segment.count, limit - bytes.count)
                    unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: segment.pointer, count: count))
                    taken += count
                }
                return taken
            }
            if filling { fill() }
        }
        return bytes
    }

    func takeFrames() -> [ParsedFrame] { ParsedFrame.parse(takeOutput()) }

    /// Opens a stream with the usual request.
    func open(endStream: Bool = false, extra: [HeaderPair] = []) throws -> StreamHandle {
        let fields = Raw.request.map { PreparedField(name: $0.0, value: $0.1) }
        let handle = try engine.openStream(prepared: fields, extra: extra, endStream: endStream)
        handles[handle.id] = handle
        return handle
    }

    // The expectation macro cannot call methods of a non-copyable value.

    @discardableResult
    func sendHeaders(_ stream: StreamHandle, _ fields: [PreparedField], endStream: Bool = false) -> Bool {
        engine.sendHeaders(stream, prepared: fields, endStream: endStream)
    }

    @discardableResult
    func sendData(_ stream: StreamHandle, _ payload: Bytes, endStream: Bool = false) -> Bool {
        engine.sendData(stream, payload: payload, endStream: endStream)
    }

    @discardableResult
    func sendTrailers(_ stream: StreamHandle, _ fields: [PreparedField] = []) -> Bool {
        engine.sendTrailers(stream, prepared: fields)
    }

    func queuedBytes(_ stream: StreamHandle) -> Int { engine.queuedBytes(stream) }

    /// Notes the events; `content` was taken past the engine.
    private func record(_ input: [UInt8], content: [UInt8] = []) {
        for event in events.list {
            switch event {
            case .headers(let handle, let fields, let endStream):
                handles[handle.id] = handle
                seen.append(.headers(handle.id, text(fields), endStream: endStream))
            case .trailers(let handle, let fields): seen.append(.trailers(handle.id, text(fields)))
            case .data(let handle, let chunk, let flowBytes, let endStream):
                let isTaken = chunk.isEmpty && flowBytes > 0
                seen.append(.data(handle.id, isTaken ? content : Array(input[chunk]), endStream: endStream))
                if consumesAtOnce { engine.consume(handle, flowBytes) }
            case .headersTooLarge(let handle):
                handles[handle.id] = handle
                seen.append(.headersTooLarge(handle.id))
            case .reset(let handle, let code, let byPeer): seen.append(.reset(handle.id, code, byPeer: byPeer))
            case .unprocessed(let handle): seen.append(.unprocessed(handle.id))
            case .closed(let handle): seen.append(.closed(handle.id))
            case .drained(let handle): seen.append(.drained(handle.id))
            case .goAway(let last, let code, let text):
                seen.append(.goAway(last, code, events.text(text)))
            case .settingsReceived: seen.append(.settingsReceived)
            case .settingsAcknowledged: seen.append(.settingsAcknowledged)
            case .pingAcknowledged(let payload): seen.append(.pingAcknowledged(payload))
            case .connectionFailed(let code, _): seen.append(.connectionFailed(code))
            }
        }
        events.removeAll()
    }

    private func text(_ range: Range<Int>) -> [String] { events.fields[range].map { "\($0.name): \($0.value)" } }

    /// What has happened, with content that follows content on the same stream joined.
    var joined: [Seen] {
        var result: [Seen] = []
        for event in seen {
            if case .data(let id, let bytes, let endStream) = event,
                case .data(let lastID, let lastBytes, false)? = result.last, id == lastID
            {
                result[result.count - 1] = .data(id, lastBytes + bytes, endStream: endStream)
            } else {
                result.append(event)
            }
        }
        return result
    }

    /// All content of one stream so far.
    func content(_ id: UInt32) -> [UInt8] {
        seen.flatMap { event -> [UInt8] in
            guard case .data(id, let bytes, _) = event else { return [] }
            return bytes
        }
    }
}
