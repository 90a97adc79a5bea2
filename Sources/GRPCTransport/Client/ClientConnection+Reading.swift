internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import TransportTLS

// What arrives.

extension ClientConnection {
    // MARK: Reading

    func read() {
        do {
            let outcome = try unsafe wire.read({ events, input in unsafe process(&events, input) }) {
                stream, byteCount, body in
                unsafe call(stream)?.lendRoom(upTo: byteCount, body)
            }
            // The server may have raised its limit, of which there is no event.
            if !queue.isEmpty { openQueued() }
            scheduleFlush()
            if case .endOfFile = outcome { endOfFile() }
        } catch {
            close(error)
        }
    }

    func endOfFile() {
        if case .draining = phase, wire.engine.openStreamCount == 0 { return close(nil) }
        var reason = "the server closed the connection"
        if case .handshaking = phase {
            reason += " before HTTP/2 had begun"
            if wire.tls == nil { reason += "; it may be one that wants TLS" }
        }
        close(TransportError(.unavailable, reason, origin: .remote))
    }

    func process(_ events: inout HTTP2Events, _ input: UnsafeRawBufferPointer) {
        for event in events.list {
            switch event {
            case .headers(let handle, let fields, let isEnd):
                call(handle)?.received(ResponseHead(events.fields[fields]), isEnd: isEnd)
            case .data(let handle, let chunk, let flowBytes, let isEnd):
                guard let call = call(handle) else { continue }
                unsafe call.received(
                    UnsafeRawBufferPointer(rebasing: input[chunk]), flowBytes: flowBytes, isEnd: isEnd)
            case .trailers(let handle, let fields):
                call(handle)?.received(trailers: ResponseHead(events.fields[fields]))
            case .headersTooLarge(let handle):
                call(handle)?.cancel(
                    TransportError(
                        .resourceExhausted,
                        "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes",
                        origin: .library, endpoint: endpoint))
            case .reset(let handle, let code, let isByPeer):
                let who = isByPeer ? "the server reset the call" : "the server broke the protocol on the call"
                call(handle)?.fail(
                    TransportError(
                        isByPeer ? StatusMapping.code(http2Error: code.rawValue) : .internal, "\(who) (\(code))",
                        origin: .remote))
            case .unprocessed(let handle): call(handle)?.unprocessed()
            case .closed(let handle): closed(handle)
            case .drained(let handle): call(handle)?.drained()
            case .settingsReceived:
                becameReady()
                openQueued()
            case .pingAcknowledged: keepAlive?.pongReceived()
            case .goAway(_, let code, let text): receivedGoAway(code, events.texts[text])
            case .connectionFailed(let code, let text):
                close(
                    TransportError(
                        code == .noError ? .unavailable : .internal,
                        "the connection failed: \(code): \(events.text(text))",
                        origin: .remote))
            case .settingsAcknowledged: break
            }
            if isClosed { return }
        }
        closeIfDrained()
    }

    func call(_ handle: StreamHandle) -> ClientCallState? {
        guard handle.slot < streams.count, let call = streams[handle.slot], !call.isEnded,
            call.handle.id == Int64(handle.id)
        else { return nil }
        return call
    }

    func closed(_ handle: StreamHandle) {
        guard handle.slot < streams.count else { return }
        call(handle)?.endedWithoutStatus()
        // It goes outside of the access to the streams.
        let gone = streams[handle.slot].take()
        withExtendedLifetime(gone) {}
        if !queue.isEmpty { openQueued() }
    }

    func receivedGoAway(_ code: HTTP2ErrorCode, _ debug: Bytes) {
        var reason = "the server is going away"
        if code != .noError { reason += " (\(code))" }
        if !debug.isEmpty { reason += ": \(String(decoding: debug.prefix(200), as: UTF8.self))" }
        drain(reason)
        failQueue(TransportError(.unavailable, reason, origin: .remote))
    }
}

extension ResponseHead {
    init(_ fields: ArraySlice<HeaderField>) {
        self.init()
        for field in fields {
            switch field.known {
            case .status: httpStatus = field.value
            case .contentType: contentType = field.value
            case .grpcEncoding: encoding = field.value
            case .grpcStatus: status = field.value
            case .grpcMessage: message = field.value
            case .grpcStatusDetails: append(reserved: field.name, value: field.value, isBinary: true)
            case .grpcRetryPushback: append(reserved: field.name, value: field.value, isBinary: false)
            default: append(name: field.name, value: field.value)
            }
        }
    }
}
