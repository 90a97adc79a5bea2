internal import EventLoops
internal import GRPCCalls
internal import HTTP2Engine
internal import NodeTransport

// How calls begin.

extension ClientConnection {
    // MARK: Beginning calls

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
        guard case .open = phase else {
            return call.fail(
                TransportError(
                    .unavailable, "the connection takes no new calls: it is \(phaseName)", processing: .notProcessed))
        }
        guard call.startDeadline() else { return }
        if !queue.isEmpty || !openNow(call) {
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

    /// False when the server allows no further stream at the moment.
    func openNow(_ call: ClientCallState) -> Bool {
        guard !wire.isBroken else { return false }
        var extra: [HeaderPair] = []
        if let timeout = call.timeoutField { extra.append(HeaderPair(name: "grpc-timeout", value: timeout)) }
        if !call.head.metadata.isEmpty { extra += call.head.metadata.headerPairs }
        let handle: StreamHandle
        do throws(HTTP2OpenError) {
            handle = try wire.engine.openStream(
                prepared: fields(for: call.head.method), extra: extra, endStream: false)
        } catch {
            if error == .tooManyStreams { return false }
            call.fail(
                TransportError(
                    .unavailable, "the connection takes no new calls: \(error)", origin: .library,
                    processing: .notProcessed))
            return true
        }
        while streams.count <= handle.slot { streams.append(nil) }
        streams[handle.slot] = call
        call.opened(CallHandle(handle))
        scheduleFlush()
        return true
    }

    func fields(for method: MethodName) -> [PreparedField] {
        if let fields = methodFields[method.path] { return fields }
        // A client calls few methods; one that invents names gets no further room.
        if methodFields.count >= 1024 { methodFields.removeAll() }
        let fields = commonHead.fields(path: method.path)
        methodFields[method.path] = fields
        return fields
    }

    func openQueued() {
        var opened = 0
        while opened < queue.count, openNow(queue[opened]) { opened += 1 }
        if opened > 0 { queue.removeFirst(opened) }
    }
}

extension CallHandle {
    init(_ handle: StreamHandle) { self.init(slot: handle.slot, id: Int64(handle.id)) }
}

extension StreamHandle {
    init(_ handle: CallHandle) { self.init(id: UInt32(truncatingIfNeeded: handle.id), slot: handle.slot) }
}
