internal import EventLoops
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization
internal import TransportTLS

// What handlers do, and how calls end.

extension ServerConnection {
    // MARK: What handlers do

    /// The next message, or why there is none; `nil` when the handler has to wait.
    func takeMessage(_ stream: ServerStream) -> Result<Bytes?, TransportError>? {
        if let message = stream.inbox.popFirst() {
            if stream.inbox.isEmpty { returnCredit(stream) }
            return .success(message)
        }
        if case .failure(let error) = stream.ending { return .failure(error) }
        return stream.isRemotelyClosed || stream.ending != nil ? .success(nil) : nil
    }

    /// Sends a message; `nil` when the handler has to wait for room.
    func send(_ message: Bytes, on stream: ServerStream) -> Result<Void, TransportError>? {
        if let result = checkSend(message, on: stream) { return result }
        sendHeaders(stream)
        wire.engine.sendData(
            stream.handle, prefix: UInt64(message.count) << 24, prefixCount: MessageAssembler.prefixBytes,
            payload: message, endStream: false)
        scheduleFlush()
        return room(on: stream)
    }

    func checkSend(_ message: Bytes, on stream: ServerStream) -> Result<Void, TransportError>? {
        switch stream.ending {
        case .failure(let error): return .failure(error)
        case .success: return .failure(TransportError(.failedPrecondition, "the call has ended"))
        case nil: break
        }
        guard message.count <= configuration.maximumSendMessageBytes else {
            return .failure(
                TransportError(
                    .resourceExhausted,
                    "a message of \(message.count) bytes is over the limit of \(configuration.maximumSendMessageBytes) bytes"
                ))
        }
        return nil
    }

    /// Whether the stream takes another message; `nil` when the handler has to wait.
    func room(on stream: ServerStream) -> Result<Void, TransportError>? {
        if case .failure(let error) = stream.ending { return .failure(error) }
        return wire.engine.queuedBytes(stream.handle) < configuration.engine.streamQueueLowWaterBytes
            ? .success(()) : nil
    }

    /// Sends the header section without waiting for a message.
    func sendInitialMetadata(of stream: ServerStream) -> Result<Void, TransportError> {
        if case .failure(let error) = stream.ending { return .failure(error) }
        guard stream.ending == nil else { return .success(()) }
        sendHeaders(stream)
        scheduleFlush()
        return .success(())
    }

    func sendHeaders(_ stream: ServerStream) {
        guard !stream.hasSentHeaders else { return }
        stream.hasSentHeaders = true
        let initial = stream.outgoing.initial
        wire.engine.sendHeaders(
            stream.handle, prepared: responseHead, extra: initial.isEmpty ? [] : initial.headerPairs, endStream: false)
    }

    /// Ends a call with its handler's outcome: a response, nothing (for streams), or an error.
    func finish(_ stream: ServerStream, with outcome: Result<Bytes?, TransportError>) {
        guard stream.ending == nil else { return }
        var outcome = outcome
        if case .success(let response?) = outcome {
            if case .failure(let error) = checkSend(response, on: stream) {
                outcome = .failure(error)
            } else {
                sendHeaders(stream)
                wire.engine.sendData(
                    stream.handle, prefix: UInt64(response.count) << 24, prefixCount: MessageAssembler.prefixBytes,
                    payload: response, endStream: false)
            }
        }
        switch outcome {
        case .success:
            sendHeaders(stream)
            let trailers = stream.outgoing.trailers
            wire.engine.sendTrailers(
                stream.handle, prepared: okTrailers, extra: trailers.isEmpty ? [] : trailers.headerPairs)
            end(stream, .success(()))
        case .failure(let error):
            let extra = error.statusPairs + (stream.outgoing.trailers.headerPairs + error.metadata.headerPairs)
            if stream.hasSentHeaders {
                wire.engine.sendTrailers(stream.handle, prepared: [], extra: extra)
            } else {
                let initial = stream.outgoing.initial.headerPairs
                stream.hasSentHeaders = true
                if initial.isEmpty {
                    wire.engine.sendHeaders(stream.handle, prepared: responseHead, extra: extra, endStream: true)
                } else {
                    wire.engine.sendHeaders(stream.handle, prepared: responseHead, extra: initial, endStream: false)
                    wire.engine.sendTrailers(stream.handle, prepared: [], extra: extra)
                }
            }
            end(stream, .failure(error))
        }
        scheduleFlush()
    }

    /// Answers a call that has no handler with a status.
    func refuse(_ handle: StreamHandle, _ status: TransportError) {
        wire.engine.sendHeaders(
            handle, prepared: responseHead, extra: status.statusPairs + status.metadata.headerPairs, endStream: true)
        scheduleFlush()
    }

    /// Answers a request that is not gRPC.
    func refuse(_ handle: StreamHandle, httpStatus: String, _ message: String) {
        wire.engine.sendHeaders(
            handle, prepared: [],
            extra: [
                HeaderPair(name: ":status", value: httpStatus), HeaderPair(name: "content-type", value: "text/plain"),
            ], endStream: false)
        wire.engine.sendData(handle, payload: Bytes(utf8: message), endStream: true)
        scheduleFlush()
    }

    /// Notes that the call is over for the wire; wakes and cancels what is left of its handler.
    func end(_ stream: ServerStream, _ ending: Result<Void, TransportError>) {
        guard stream.ending == nil else { return }
        stream.ending = ending
        stream.timer.map(loop.cancel)
        stream.inbox.removeAll()
        if case .failure(let error) = ending {
            stream.receiver.take()?.resume(.failure(error))
            stream.sender.take()?.resume(.failure(error))
            stream.task?.cancel()
        }
        stream.task = nil
    }

    /// The deadline of a call has passed.
    func deadlinePassed(_ stream: ServerStream) {
        finish(
            stream,
            with: .failure(TransportError(.deadlineExceeded, "the deadline passed before the handler had finished")))
    }
}
