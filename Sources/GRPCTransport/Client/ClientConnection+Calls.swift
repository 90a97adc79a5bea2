internal import EventLoops
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization
internal import TransportTLS

// How calls begin, and what their callers do.

extension ClientConnection {
    // MARK: Beginning calls

    func startUnary(_ stream: ClientStream, _ request: Bytes, _ continuation: Suspension<UnaryReply>) {
        // A cancellation that came before has ended the call.
        if case .ended(let result) = stream.phase {
            if case .failure(let error) = result { continuation.resume(throwing: error) }
            return
        }
        stream.unary = continuation
        guard case .success = begin(stream) else { return }
        if case .failure(let error) = send(request, on: stream) {
            cancel(stream, error)
        } else {
            finishSending(stream)
        }
    }

    /// Opens a stream for the call, or queues it; an error has ended the call.
    func begin(_ stream: ClientStream) -> Result<Void, TransportError> {
        open(stream)
        if case .ended(let result) = stream.phase { return result }
        return .success(())
    }

    func open(_ stream: ClientStream) {
        guard !stream.isEnded else { return }
        guard case .open = phase else {
            return end(
                stream,
                .failure(
                    TransportError(
                        .unavailable, "the connection takes no new calls: it is \(phaseName)",
                        processing: .notProcessed, endpoint: endpoint)))
        }
        if let deadline = stream.head.deadline {
            let remaining = deadline.remaining()
            guard remaining > .zero else {
                return end(
                    stream,
                    .failure(
                        TransportError(
                            .deadlineExceeded, "the deadline had passed before the call began",
                            processing: .notProcessed, endpoint: endpoint)))
            }
            let timer = LoopTimer()
            stream.timer = timer
            loop.schedule(timer, for: stream, after: remaining)
        }
        if !queue.isEmpty || !openNow(stream) {
            guard queue.count < configuration.maximumQueuedCalls else {
                return end(
                    stream,
                    .failure(
                        TransportError(
                            .resourceExhausted,
                            "the limit of \(configuration.maximumQueuedCalls) queued calls is reached",
                            processing: .notProcessed, endpoint: endpoint)))
            }
            queue.append(stream)
        }
    }

    /// False when the server allows no further stream at the moment.
    func openNow(_ stream: ClientStream) -> Bool {
        var extra: [HeaderPair] = []
        if let deadline = stream.head.deadline {
            extra.append(
                HeaderPair(
                    name: "grpc-timeout", value: Timeout.encode(nanoseconds: deadline.remaining().clampedNanoseconds)))
        }
        if !stream.head.metadata.isEmpty { extra += stream.head.metadata.headerPairs }
        let handle: StreamHandle
        do throws(HTTP2OpenError) {
            handle = try wire.engine.openStream(
                prepared: fields(for: stream.head.method), extra: extra, endStream: false)
        } catch {
            if error == .tooManyStreams { return false }
            end(
                stream,
                .failure(
                    TransportError(
                        .unavailable, "the connection takes no new calls: \(error)", origin: .library,
                        processing: .notProcessed, endpoint: endpoint)))
            return true
        }
        stream.phase = .open(handle)
        while streams.count <= handle.slot { streams.append(nil) }
        streams[handle.slot] = stream
        for message in exchange(&stream.outbox, with: []) { write(message, to: handle) }
        if stream.isFinished { wire.engine.endStream(handle) }
        if stream.sender != nil, let result = room(on: stream) { stream.sender.take()?.resume(result) }
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

    // MARK: What callers do

    /// Sends a message; `nil` when the caller has to wait for room.
    func send(_ message: Bytes, on stream: ClientStream) -> Result<Void, TransportError>? {
        if case .ended(let result) = stream.phase {
            if case .failure(let error) = result { return .failure(error) }
            return .failure(TransportError(.failedPrecondition, "the call has ended", endpoint: endpoint))
        }
        guard !stream.isFinished else {
            return .failure(TransportError(.failedPrecondition, "sending was finished before", endpoint: endpoint))
        }
        guard message.count <= configuration.maximumSendMessageBytes else {
            return .failure(
                TransportError(
                    .resourceExhausted,
                    "a message of \(message.count) bytes is over the limit of \(configuration.maximumSendMessageBytes) bytes",
                    endpoint: endpoint))
        }
        guard case .open(let handle) = stream.phase else {
            stream.outbox.append(message)
            return room(on: stream)
        }
        write(message, to: handle)
        scheduleFlush()
        return room(on: stream)
    }

    func write(_ message: Bytes, to handle: StreamHandle) {
        wire.engine.sendData(
            handle, prefix: UInt64(message.count) << 24, prefixCount: MessageAssembler.prefixBytes, payload: message,
            endStream: false)
    }

    /// Whether the stream takes another message; `nil` when the caller has to wait.
    func room(on stream: ClientStream) -> Result<Void, TransportError>? {
        switch stream.phase {
        case .queued: return stream.unary != nil ? .success(()) : nil
        case .open(let handle):
            return wire.engine.queuedBytes(handle) < configuration.engine.streamQueueLowWaterBytes ? .success(()) : nil
        case .ended(.failure(let error)): return .failure(error)
        case .ended(.success): return .success(())
        }
    }

    func finishSending(_ stream: ClientStream) {
        guard !stream.isFinished else { return }
        stream.isFinished = true
        guard case .open(let handle) = stream.phase else { return }
        wire.engine.endStream(handle)
        scheduleFlush()
    }

    /// What the server sent first, or why nothing comes; `nil` when the caller has to wait.
    func metadata(of stream: ClientStream) -> Result<Metadata, TransportError>? {
        if let metadata = stream.initialMetadata { return .success(metadata) }
        switch stream.phase {
        case .ended(.failure(let error)): return .failure(error)
        case .ended(.success): return .success(Metadata())
        case .queued, .open: return nil
        }
    }

    /// The next message, or why there is none; `nil` when the caller has to wait.
    func takeMessage(_ stream: ClientStream) -> Result<Bytes?, TransportError>? {
        if let message = stream.inbox.popFirst() {
            if stream.inbox.isEmpty { returnCredit(stream) }
            return .success(message)
        }
        guard case .ended(let result) = stream.phase else { return nil }
        return result.map { nil }
    }

    /// Cancels a call for its caller.
    func cancel(_ stream: ClientStream) {
        cancel(stream, TransportError(.cancelled, "the call was cancelled", endpoint: endpoint))
    }

    func deadlinePassed(_ stream: ClientStream) {
        cancel(
            stream,
            TransportError(.deadlineExceeded, "the deadline passed before the call had ended", endpoint: endpoint))
    }

    /// Ends a call from this side: the server is told, and what had arrived is dropped.
    func cancel(_ stream: ClientStream, _ error: TransportError) {
        guard !stream.isEnded else { return }
        if case .open(let handle) = stream.phase {
            wire.engine.reset(handle, .cancel)
            scheduleFlush()
        } else {
            queue.removeAll { $0 === stream }
        }
        stream.inbox.removeAll()
        end(stream, .failure(error))
    }

    func returnCredit(_ stream: ClientStream) {
        guard stream.withheldBytes > 0, case .open(let handle) = stream.phase else { return }
        wire.engine.consume(handle, stream.withheldBytes)
        stream.withheldBytes = 0
        scheduleFlush()
    }

    /// Ends a call for its caller.
    func end(_ stream: ClientStream, _ result: Result<Void, TransportError>) {
        guard !stream.isEnded else { return }
        stream.phase = .ended(result)
        stream.outbox = []
        stream.timer.map(loop.cancel)
        if let unary = stream.unary.take() { finishUnary(stream, unary, result) }
        stream.headWaiter.take()?.resume(result.map { stream.initialMetadata ?? Metadata() })
        stream.sender.take()?.resume(result)
        if stream.inbox.isEmpty { stream.receiver.take()?.resume(result.map { nil }) }
    }

    func finishUnary(
        _ stream: ClientStream, _ continuation: Suspension<UnaryReply>, _ result: Result<Void, TransportError>
    ) {
        if case .failure(let error) = result { return continuation.resume(throwing: error) }
        guard let message = stream.inbox.popFirst() else {
            return continuation.resume(
                throwing: TransportError(
                    .internal, "the server ended the call without a response", origin: .remote, endpoint: endpoint))
        }
        continuation.resume(
            returning: UnaryReply(
                message: message, initialMetadata: stream.initialMetadata ?? Metadata(), trailers: stream.trailers))
    }
}
