internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables

// How calls begin.

extension QUICClientConnection {
    func startUnary(_ call: ClientCallState, _ request: Bytes, _ continuation: Suspension<UnaryReply>) {
        guard call.beginUnary(continuation) else { return }
        begin(call)
        guard !call.isEnded else { return }
        if case .failure(let error) = call.send(request) {
            call.cancel(error)
        } else {
            call.finishSending()
        }
    }

    /// Opens a stream for the call, or queues it; an error ends the call.
    func begin(_ call: ClientCallState) {
        guard !call.isEnded else { return }
        guard takesCalls else {
            return call.fail(
                TransportError(
                    .unavailable, "the connection takes no new calls: it is \(phaseName)", processing: .notProcessed))
        }
        guard call.startDeadline() else { return }
        if !mayOpen(call) || !openNow(call) {
            guard queue.count < configuration.maximumQueuedCalls else {
                return call.fail(
                    TransportError(
                        .resourceExhausted,
                        "the limit of \(configuration.maximumQueuedCalls) queued calls is reached",
                        processing: .notProcessed))
            }
            queue.append(call)
        }
    }

    private var takesCalls: Bool {
        switch phase {
        case .open, .early: true
        case .handshaking, .draining, .closed: false
        }
    }

    /// Whether nothing but the server's credit may stand between the call and its stream. Before the handshake is
    /// confirmed only what may be processed twice goes out (RFC 8470 §4); it waits for nothing that must not.
    private func mayOpen(_ call: ClientCallState) -> Bool {
        if case .early = phase { sendsEarly && call.head.isIdempotent } else { queue.isEmpty }
    }

    /// False when the server allows no further stream at the moment.
    private func openNow(_ call: ClientCallState) -> Bool {
        guard let wire, calls.count < configuration.maximumConcurrentStreams else { return false }
        var extra: [HeaderPair] = []
        if let timeout = call.timeoutField { extra.append(HeaderPair(name: "grpc-timeout", value: timeout)) }
        if !call.head.metadata.isEmpty { extra += call.head.metadata.headerPairs }
        let stream: QUICStream
        do throws(QUICError) {
            stream = try wire.quic.openStream(isBidirectional: true)
        } catch {
            if error.code == .noStreamCredit { return false }
            call.fail(
                TransportError(
                    .unavailable, "the connection takes no new calls: \(error)", origin: .library,
                    processing: .notProcessed))
            return true
        }
        do throws(HTTP3SendError) {
            try wire.http3.submitRequest(
                stream: stream.id, prepared: fields(for: call.head.method), extra: extra, isFinal: false)
        } catch {
            wire.reset(stream.id, .requestCancelled)
            call.fail(refusal(error))
            return true
        }
        calls.insert(call, for: stream.id)
        call.opened(CallHandle(id: stream.id), isEarly: !wire.quic.isHandshakeCompleted)
        wire.sourceHasData()
        return true
    }

    private func refusal(_ error: HTTP3SendError) -> TransportError {
        if case .fieldSectionTooLarge(let byteCount, let limit) = error {
            return TransportError(
                .resourceExhausted,
                "the header list of \(byteCount) bytes is over the server's limit of \(limit) bytes",
                processing: .notProcessed)
        }
        return TransportError(
            .unavailable, "the connection takes no new calls: \(error)", origin: .library, processing: .notProcessed)
    }

    private func fields(for method: MethodName) -> [PreparedField] {
        if let fields = methodFields[method.path] { return fields }
        // A client calls few methods; one that invents names gets no further room.
        if methodFields.count >= 1024 { methodFields.removeAll() }
        let fields = commonHead.fields(path: method.path)
        methodFields[method.path] = fields
        return fields
    }

    func openQueued() {
        guard isConfirmed, !isClosed else { return }
        var opened = 0
        while opened < queue.count, openNow(queue[opened]) { opened += 1 }
        if opened > 0 { queue.removeFirst(opened) }
    }
}
