internal import EventLoops
internal import GRPCCalls
internal import HTTP2Engine
internal import NodeTransport
internal import TransportTLS

// What arrives.

extension ServerConnection {
    /// What so many requests led to goes out before the others of a batch are looked at.
    private static let requestsPerFlush = 32

    // MARK: Reading

    func read() {
        do {
            let outcome = try unsafe wire.read({ events, input in unsafe process(&events, input) }) {
                stream, byteCount, body in
                unsafe call(stream)?.lendRoom(upTo: byteCount, body)
            }
            scheduleFlush()
            if case .endOfFile = outcome { endOfFile() }
        } catch {
            close(error)
        }
    }

    func endOfFile() {
        close(
            isAwaitingPeer || wire.engine.openStreamCount > 0
                ? TransportError(.unavailable, "the peer closed the connection", origin: .remote) : nil)
    }

    func process(_ events: inout HTTP2Events, _ input: UnsafeRawBufferPointer) {
        var requestsSinceFlush = 0
        for event in events.list {
            switch event {
            case .headers(let handle, let fields, let isEnd): begin(handle, events.fields[fields], isEnd)
            case .data(let handle, let chunk, let flowBytes, let isEnd):
                guard let call = call(handle) else { continue }
                unsafe call.received(
                    UnsafeRawBufferPointer(rebasing: input[chunk]), flowBytes: flowBytes, isEnd: isEnd)
                if isEnd { requestsSinceFlush += 1 }
                if requestsSinceFlush == Self.requestsPerFlush {
                    requestsSinceFlush = 0
                    wire.flushEarly()
                }
            case .trailers(let handle, _): call(handle)?.remoteEnded()
            case .headersTooLarge(let handle):
                let error = TransportError(
                    .resourceExhausted,
                    "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes")
                if let call = call(handle) { call.finish(with: .failure(error)) } else { refuse(handle, error) }
            case .reset(let handle, let code, let isByPeer):
                let who = isByPeer ? "the client reset the call" : "the client broke the protocol on the call"
                call(handle)?.end(.failure(TransportError(.cancelled, "\(who) (\(code))", origin: .remote)))
            case .closed(let handle):
                guard let call = call(handle) else { continue }
                if !call.isOver {
                    call.end(.failure(TransportError(.cancelled, "the stream has closed", origin: .library)))
                }
                // It goes outside of the access to the streams.
                let gone = streams[handle.slot].take()
                withExtendedLifetime(gone) {}
            case .drained(let handle): call(handle)?.drained()
            case .settingsReceived: becameReady()
            case .pingAcknowledged(let payload):
                keepAlive?.pongReceived()
                if payload == Self.drainPing { drainAcknowledged() }
            case .connectionFailed(let code, let text):
                scheduleFlush()
                let reason = "the connection failed: \(code): \(events.text(text))"
                close(TransportError(.internal, reason, origin: .remote))
            case .goAway, .unprocessed, .settingsAcknowledged: break
            }
            if isClosed { return }
        }
    }

    func call(_ handle: StreamHandle) -> ServerCallState? {
        guard handle.slot < streams.count, let call = streams[handle.slot], call.handle.id == Int64(handle.id) else {
            return nil
        }
        return call
    }

    // MARK: Requests

    func begin(_ handle: StreamHandle, _ fields: ArraySlice<HeaderField>, _ isEnd: Bool) {
        let call: ServerCallState
        let timeout: Int64?
        do throws(RequestHead.Refusal) {
            let (position, given, metadata) = try read(fields)
            timeout = given
            call = ServerCallState(
                handle: CallHandle(handle), handler: methods.handlers[position], metadata: metadata, timeout: timeout,
                context: callContext)
        } catch {
            switch error {
            case .status(let status): return refuse(handle, status)
            case .http(let code, let message): return refuse(handle, httpStatus: code, message)
            }
        }
        while streams.count <= handle.slot { streams.append(nil) }
        streams[handle.slot] = call
        call.begin(timeout: timeout, isEnd: isEnd)
    }

    /// Reads a request's header section: where its handler is among the listener's, and what the handler sees.
    private func read(
        _ fields: ArraySlice<HeaderField>
    ) throws(RequestHead.Refusal) -> (position: Int, timeout: Int64?, metadata: Metadata) {
        var head = RequestHead()
        var path: HeaderField?
        for field in fields {
            switch field.known {
            case .path: path = field
            case .method: head.setMethod(field.value)
            case .contentType: head.setContentType(field.value)
            case .grpcTimeout: try head.setTimeout(field.value)
            case .grpcEncoding: try head.checkEncoding(field.value)
            case .userAgent, .grpcPreviousAttempts, .other:
                head.append(field, repeated: repeatedMetadata, name: field.name, value: field.value)
            default: break
            }
        }
        let metadata = try head.finish(repeated: &repeatedMetadata)
        return (try position(of: path), head.timeout, metadata)
    }

    /// A path is looked up once; its field, shared by later requests, keeps the answer.
    private func position(of path: HeaderField?) throws(RequestHead.Refusal) -> Int {
        guard let path else { throw .status(TransportError(.internal, "the request has no :path")) }
        if path.tag >= 0, Int(path.tag) < methods.handlers.count { return Int(path.tag) }
        guard let position = methods.position(ofPath: path.value) else {
            throw .status(methods.unknown(path: path.value))
        }
        path.tag = Int32(truncatingIfNeeded: position)
        return position
    }
}
