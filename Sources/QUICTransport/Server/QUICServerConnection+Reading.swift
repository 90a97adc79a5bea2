internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables

// What arrives.

extension QUICServerConnection: HTTP3WireOwner {
    nonisolated func wasAccepted() {
        onLoop { connection in
            connection.noteAcceptance()
            connection.releaseHeldCalls()
        }
    }

    nonisolated func earlyDataRejected() {}

    /// The client has proved that it is there: its early calls are its own.
    private func releaseHeldCalls() {
        for call in exchange(&heldCalls, with: []) { call.releaseHandler() }
    }

    nonisolated func ready() { onLoop { $0.becameReady() } }

    nonisolated func process(_ events: HTTP3Events, _ input: UnsafeRawBufferPointer) {
        unsafe onLoop((events, input)) { unsafe $0.take($1.0, $1.1) }
    }

    private func take(_ events: HTTP3Events, _ input: UnsafeRawBufferPointer) {
        for event in events.list {
            switch event {
            case .headers(let id, let fields, _): begin(id, events.fields[fields])
            case .data(let id, let content):
                guard let call = port.calls[id] else {
                    if let exchange = exchanges[id] {
                        unsafe exchange.received(content, input)
                    } else {
                        wire.consume(id, content.count)
                    }
                    continue
                }
                unsafe content.withUnsafeBytes(of: input) { bytes in
                    unsafe call.received(bytes, flowBytes: content.count, isEnd: false)
                }
            case .trailers(let id, let fields):
                exchanges[id]?.received(trailers: ReceivedHead.trailers(events.fields[fields]))
            case .end(let id):
                if let call = port.calls[id] { call.remoteEnded() } else { exchanges[id]?.receivedEnd() }
            case .headersTooLarge(let id):
                let error = TransportError(
                    .resourceExhausted,
                    "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes")
                if let call = port.calls[id] {
                    call.finish(with: .failure(error))
                } else if let exchange = exchanges[id] {
                    // Its trailers.
                    exchange.abort(error, .excessiveLoad)
                } else {
                    port.refuse(id, error)
                }
            case .failed(let id, let code, let reason):
                wire.reset(id, code)
                end(id, "the client broke the protocol on the call (\(code): \(reason))")
            case .rejected(let id): wire.reset(id, .requestRejected)
            case .reset(let id, let code):
                wire.stopWriting(id, .requestCancelled)
                end(id, "the client reset the call (\(code))")
            case .stopSending(let id, _):
                wire.reset(id, .requestCancelled)
                end(id, "the client cancelled the call")
            case .refuseStream(let id, let code): wire.stopReading(id, code)
            case .consumed(let id, let count): wire.consume(id, count)
            case .drained(let id): if let call = port.calls[id] { call.drained() } else { exchanges[id]?.drained() }
            case .closed(let id): end(id, "the client cancelled the call")
            case .informational, .unprocessed, .goAway, .settingsReceived: break
            }
            if isClosed { return }
        }
        closeIfDrained()
    }

    private func end(_ id: Int64, _ reason: String) {
        if id == session?.stream { closeSession() }
        if let exchange = exchanges[id] { exchange.fail(TransportError(.cancelled, reason, origin: .remote)) }
        guard let call = port.calls.remove(id), !call.isOver else { return }
        call.end(.failure(TransportError(.cancelled, reason, origin: .remote)))
    }

    nonisolated func streamsAvailable() {}

    nonisolated func failed(_ error: HTTP3Error) {
        onLoop { connection in
            connection.close(
                TransportError(.internal, "the connection failed: \(error)", origin: .remote), code: error.code)
        }
    }

    nonisolated func connectionClosed(_ reason: QUICCloseReason) { onLoop { $0.ended(reason) } }

    private func ended(_ reason: QUICCloseReason) {
        if reason.isOrderly, port.calls.isEmpty, exchanges.isEmpty, !isHandshaking { return close(nil) }
        close(
            reason.error(
                peer: "client", isEstablished: !isHandshaking, policy: policy,
                handshakeTimeout: configuration.handshakeTimeout))
    }

    nonisolated func goAwayAcknowledged() { onLoop { $0.drainAcknowledged() } }
    nonisolated func received(_ session: QUICSession) {}
    nonisolated func received(token: Bytes) {}
    nonisolated func moved(to path: QUICPath) {}

    // MARK: Requests

    private func begin(_ id: Int64, _ fields: ArraySlice<HeaderField>) {
        let call: ServerCallState
        let timeout: Int64?
        do throws(RequestHead.Refusal) {
            let (position, given, metadata) = try read(fields)
            timeout = given
            call = ServerCallState(
                handle: CallHandle(id: id), handler: methods.handlers[position], metadata: metadata, timeout: timeout,
                context: callContext)
        } catch {
            if isEarly, isSessionRequest(fields) { return port.refuse(id, httpStatus: "425", "") }
            if isSessionRequest(fields), openSession(id) { return }
            switch error {
            case .status(let status): return port.refuse(id, status)
            case .http(let code, let message):
                // RFC 8470 §5.2: who repeats it does so when the handshake is over.
                if isEarly { return port.refuse(id, httpStatus: "425", "") }
                if beginExchange(id, fields) { return }
                return port.refuse(id, httpStatus: code, message)
            }
        }
        port.calls.insert(call, for: id)
        if isEarly, !call.isIdempotent {
            call.holdHandler()
            heldCalls.append(call)
        }
        call.begin(timeout: timeout, isEnd: false)
    }

    /// What is read now was sent before the client has proved that it is there: an attacker may have copied it.
    var isEarly: Bool { !wire.quic.isHandshakeCompleted }

    private func isSessionRequest(_ fields: ArraySlice<HeaderField>) -> Bool {
        fields.contains { $0.known == .path && $0.value == DatagramSession.path }
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
