internal import EventLoops
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization
internal import TransportTLS

// What arrives.

extension ServerConnection {
    // MARK: Reading

    func read() {
        do {
            let outcome = try unsafe wire.read { events, input in unsafe process(&events, input) }
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
        for event in events.list {
            switch event {
            case .headers(let handle, let fields, let isEnd): begin(handle, events.fields[fields], isEnd)
            case .data(let handle, let chunk, let flowBytes, let isEnd):
                guard let stream = stream(handle) else { continue }
                unsafe received(UnsafeRawBufferPointer(rebasing: input[chunk]), flowBytes, isEnd, on: stream)
            case .trailers(let handle, _): if let stream = stream(handle) { remoteEnded(stream) }
            case .headersTooLarge(let handle):
                let error = TransportError(
                    .resourceExhausted,
                    "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes")
                if let stream = stream(handle) { finish(stream, with: .failure(error)) } else { refuse(handle, error) }
            case .reset(let handle, let code, let isByPeer):
                guard let stream = stream(handle) else { continue }
                let who = isByPeer ? "the client reset the call" : "the client broke the protocol on the call"
                end(stream, .failure(TransportError(.cancelled, "\(who) (\(code))", origin: .remote)))
            case .closed(let handle):
                if handle.slot < streams.count, streams[handle.slot]?.handle == handle {
                    if let stream = streams[handle.slot] {
                        end(stream, .failure(TransportError(.cancelled, "the call is over", origin: .library)))
                    }
                    streams[handle.slot] = nil
                }
            case .drained(let handle): stream(handle)?.sender.take()?.resume(.success(()))
            case .settingsReceived: becameReady()
            case .pingAcknowledged(let payload):
                keepAlive?.pongReceived()
                if payload == Self.drainPing { drainAcknowledged() }
            case .connectionFailed(let code, let reason):
                scheduleFlush()
                close(TransportError(.internal, "the connection failed: \(code): \(reason)", origin: .remote))
            case .goAway, .unprocessed, .settingsAcknowledged: break
            }
            if isClosed { return }
        }
    }

    func stream(_ handle: StreamHandle) -> ServerStream? {
        guard handle.slot < streams.count, let stream = streams[handle.slot], stream.handle == handle else {
            return nil
        }
        return stream
    }

    // MARK: Requests

    func begin(_ handle: StreamHandle, _ fields: ArraySlice<HeaderField>, _ isEnd: Bool) {
        let request: RequestHead
        do throws(RequestHead.Refusal) {
            request = try RequestHead(fields, methods: methods, repeated: &repeatedMetadata)
        } catch {
            switch error {
            case .status(let status): return refuse(handle, status)
            case .http(let code, let message): return refuse(handle, httpStatus: code, message)
            }
        }
        let handler = methods.handlers[request.position]
        let deadline = request.timeout.map { Deadline(.now.advanced(by: .nanoseconds($0))) }
        let stream = ServerStream(
            connection: self, handle: handle, handler: handler,
            head: CallHead(method: handler.name, shape: handler.shape, metadata: request.metadata, deadline: deadline),
            messageLimit: configuration.maximumReceiveMessageBytes)
        while streams.count <= handle.slot { streams.append(nil) }
        streams[handle.slot] = stream
        if let timeout = request.timeout {
            guard timeout > 0 else {
                return finish(
                    stream,
                    with: .failure(TransportError(.deadlineExceeded, "the deadline had passed before the call began")))
            }
            let timer = LoopTimer()
            stream.timer = timer
            loop.schedule(timer, for: stream, after: .nanoseconds(timeout))
        }
        if case .stream = handler.body { stream.startHandler(nil) }
        if isEnd { remoteEnded(stream) }
    }

    func received(_ chunk: UnsafeRawBufferPointer, _ flowBytes: Int, _ isEnd: Bool, on stream: ServerStream) {
        guard stream.ending == nil else { return wire.engine.consume(stream.handle, flowBytes) }
        stream.withheldBytes += flowBytes
        do throws(MessageAssembler.Fault) {
            var rest = unsafe chunk
            while let message = try unsafe stream.assembler.next(&rest) { deliver(message, to: stream) }
        } catch {
            return finish(stream, with: .failure(error.error))
        }
        if stream.inbox.isEmpty || isUnary(stream) { returnCredit(stream) }
        if isEnd { remoteEnded(stream) }
    }

    func isUnary(_ stream: ServerStream) -> Bool {
        if case .unary = stream.handler.body { true } else { false }
    }

    func deliver(_ message: Bytes, to stream: ServerStream) {
        if let receiver = stream.receiver.take(), receiver.isWaiting {
            receiver.resume(.success(message))
        } else if isUnary(stream), !stream.inbox.isEmpty {
            finish(
                stream,
                with: .failure(
                    TransportError(.unimplemented, "\(stream.head.method) takes one request, more were sent")))
        } else {
            stream.inbox.append(message)
        }
    }

    func returnCredit(_ stream: ServerStream) {
        guard stream.withheldBytes > 0 else { return }
        wire.engine.consume(stream.handle, stream.withheldBytes)
        stream.withheldBytes = 0
        scheduleFlush()
    }

    func remoteEnded(_ stream: ServerStream) {
        guard !stream.isRemotelyClosed, stream.ending == nil else { return }
        stream.isRemotelyClosed = true
        if stream.assembler.isMidMessage {
            return finish(
                stream, with: .failure(TransportError(.internal, "the request ended within a message", origin: .remote))
            )
        }
        guard isUnary(stream) else {
            stream.receiver.take()?.resume(.success(nil))
            return
        }
        guard let request = stream.inbox.popFirst() else {
            return finish(
                stream,
                with: .failure(TransportError(.unimplemented, "\(stream.head.method) takes one request, none was sent"))
            )
        }
        stream.startHandler(request)
    }
}
