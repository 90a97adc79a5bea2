internal import EventLoops
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization
internal import TransportTLS

// What arrives.

extension ClientConnection {
    // MARK: Reading

    func read() {
        do {
            let outcome = try unsafe wire.read { events, input in unsafe process(&events, input) }
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
                if let stream = stream(handle) { receivedHead(stream, events.fields[fields], isEnd) }
            case .data(let handle, let chunk, let flowBytes, let isEnd):
                guard let stream = stream(handle) else { continue }
                unsafe received(UnsafeRawBufferPointer(rebasing: input[chunk]), flowBytes, isEnd, stream)
            case .trailers(let handle, let fields):
                if let stream = stream(handle) { receivedTrailers(stream, events.fields[fields]) }
            case .headersTooLarge(let handle):
                if let stream = stream(handle) {
                    cancel(
                        stream,
                        TransportError(
                            .resourceExhausted,
                            "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes",
                            origin: .library, endpoint: endpoint))
                }
            case .reset(let handle, let code, let isByPeer):
                guard let stream = stream(handle) else { continue }
                let who = isByPeer ? "the server reset the call" : "the server broke the protocol on the call"
                end(
                    stream,
                    .failure(
                        TransportError(
                            isByPeer ? StatusMapping.code(http2Error: code.rawValue) : .internal, "\(who) (\(code))",
                            origin: .remote, endpoint: endpoint)))
            case .unprocessed(let handle):
                guard let stream = stream(handle) else { continue }
                end(
                    stream,
                    .failure(
                        TransportError(
                            .unavailable, "the server did not process the call", origin: .remote,
                            processing: .notProcessed, endpoint: endpoint)))
            case .closed(let handle): closed(handle)
            case .drained(let handle): stream(handle)?.sender.take()?.resume(.success(()))
            case .settingsReceived:
                becameReady()
                openQueued()
            case .pingAcknowledged: keepAlive?.pongReceived()
            case .goAway(_, let code, let debug): receivedGoAway(code, debug)
            case .connectionFailed(let code, let reason):
                close(
                    TransportError(
                        code == .noError ? .unavailable : .internal, "the connection failed: \(code): \(reason)",
                        origin: .remote))
            case .settingsAcknowledged: break
            }
            if isClosed { return }
        }
        closeIfDrained()
    }

    func stream(_ handle: StreamHandle) -> ClientStream? {
        guard handle.slot < streams.count, let stream = streams[handle.slot], case .open(let own) = stream.phase,
            own == handle
        else { return nil }
        return stream
    }

    func closed(_ handle: StreamHandle) {
        guard handle.slot < streams.count else { return }
        if let stream = stream(handle) {
            end(
                stream,
                .failure(
                    TransportError(
                        .internal, "the server ended the call without a status", origin: .remote, endpoint: endpoint)))
        }
        streams[handle.slot] = nil
        if !queue.isEmpty { openQueued() }
    }

    func receivedGoAway(_ code: HTTP2ErrorCode, _ debug: Bytes) {
        var reason = "the server is going away"
        if code != .noError { reason += " (\(code))" }
        if !debug.isEmpty { reason += ": \(String(decoding: debug.prefix(200), as: UTF8.self))" }
        drain(reason)
        failQueue(TransportError(.unavailable, reason, origin: .remote))
    }

    func receivedHead(_ stream: ClientStream, _ fields: ArraySlice<HeaderField>, _ isEnd: Bool) {
        let head = ResponseHead(fields)
        if let failure = head.failure(isEnd: isEnd) { return cancel(stream, failure.at(endpoint)) }
        guard !isEnd else { return finished(stream, head) }
        stream.initialMetadata = head.metadata
        stream.headWaiter.take()?.resume(.success(head.metadata))
    }

    func receivedTrailers(_ stream: ClientStream, _ fields: ArraySlice<HeaderField>) {
        finished(stream, ResponseHead(fields))
    }

    /// Ends a call with what stands in its trailers.
    func finished(_ stream: ClientStream, _ trailers: ResponseHead) {
        guard case .open(let handle) = stream.phase else { return }
        // A server may answer before it has read everything; the rest of the request is not wanted then.
        if !stream.isFinished { wire.engine.reset(handle, .noError) }
        stream.trailers = trailers.metadata
        if stream.assembler.isMidMessage {
            return end(
                stream,
                .failure(
                    TransportError(
                        .internal, "the response ended within a message", origin: .remote, endpoint: endpoint)))
        }
        end(stream, trailers.outcome(endpoint))
    }

    func received(_ chunk: UnsafeRawBufferPointer, _ flowBytes: Int, _ isEnd: Bool, _ stream: ClientStream) {
        stream.withheldBytes += flowBytes
        do throws(MessageAssembler.Fault) {
            var rest = unsafe chunk
            while let message = try unsafe stream.assembler.next(&rest) {
                guard deliver(message, to: stream) else { return }
            }
        } catch {
            return cancel(stream, error.error.at(endpoint))
        }
        if stream.inbox.isEmpty || stream.unary != nil { returnCredit(stream) }
        if isEnd {
            end(
                stream,
                .failure(
                    TransportError(
                        .internal, "the server ended the call without a status", origin: .remote, endpoint: endpoint)))
        }
    }

    /// False when the message is one too many and the call has ended.
    func deliver(_ message: Bytes, to stream: ClientStream) -> Bool {
        if stream.unary != nil, !stream.inbox.isEmpty {
            cancel(
                stream,
                TransportError(.internal, "the server sent a second response", origin: .remote, endpoint: endpoint))
            return false
        }
        if let receiver = stream.receiver.take(), receiver.isWaiting {
            receiver.resume(.success(message))
        } else {
            stream.inbox.append(message)
        }
        return true
    }
}
