internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables

// Plain HTTP/3 requests.

extension QUICClientConnection: HTTP3ExchangeOwner {
    nonisolated func exchangeEnded(_ id: Int64) {
        onLoop { connection in
            connection.exchanges.remove(id)
            connection.closeIfDrained()
        }
    }

    nonisolated func send(
        _ request: HTTP3Request, _ body: HTTP3Body, _ deadline: Deadline?
    ) async throws -> HTTP3ReceivedResponse {
        let fields = try headFields(request, body)
        try await waitUntilConfirmed()
        let exchange = HTTP3Exchange(
            loop: loop, endpoint: endpoint, isServer: false, sendQueueBytes: configuration.callLimits.sendQueueBytes,
            deadline: deadline)
        let short: Bytes? =
            if case .bytes(let bytes) = body.content, bytes.count <= HTTP3BodyWriter.sliceBytes { bytes } else { nil }
        // Ends with the body; the exchange cancels it when it fails, or nobody wants the rest.
        let writing =
            short == nil
            ? Task {
                guard await exchange.mayWrite() else { return }
                await exchange.write(body)
            } : nil
        return try await exchange.head {
            if let writing { exchange.adopt(writing) }
            self.onLoop { $0.start(exchange, fields, short, deadline) }
        }
    }

    /// The header section of a request.
    private nonisolated func headFields(_ request: HTTP3Request, _ body: HTTP3Body) throws(TransportError)
        -> MessageFields
    {
        let method = HeaderPair(name: ":method", value: request.method)
        let path = HeaderPair(name: ":path", value: request.path)
        guard HeaderPair(name: request.method.lowercased(), value: "").isAllowed, request.method != "CONNECT" else {
            throw TransportError(
                .invalidArgument, "the method cannot be sent", processing: .notProcessed, endpoint: endpoint)
        }
        guard path.hasAllowedValue, request.path.hasPrefix("/") || request.method == "OPTIONS" && request.path == "*"
        else {
            throw TransportError(
                .invalidArgument, "the path does not begin with a slash", processing: .notProcessed, endpoint: endpoint)
        }
        // RFC 9110 §8.6: also that there is nothing, where content is expected.
        let expectsContent = ["POST", "PUT", "PATCH"].contains(request.method)
        var fields = try MessageFields(
            request.headers, length: body.length, allowsLength: !body.isEmpty || expectsContent)
        fields.prepend([
            method, HeaderPair(name: ":scheme", value: "https"),
            HeaderPair(name: ":authority", value: endpoint.authority), path,
        ])
        return fields
    }

    private func start(_ exchange: HTTP3Exchange, _ fields: MessageFields, _ body: Bytes?, _ deadline: Deadline?) {
        func refuse(_ code: StatusCode, _ message: String) {
            exchange.fail(TransportError(code, message, processing: .notProcessed, endpoint: endpoint))
        }
        guard case .open = phase, let wire else { return refuse(.unavailable, "the connection is \(phaseName)") }
        guard deadline?.hasPassed() != true else {
            return refuse(.deadlineExceeded, "the deadline had passed before the request began")
        }
        guard let stream = try? wire.quic.openStream(isBidirectional: true) else {
            return refuse(.resourceExhausted, "the server allows no more requests at once")
        }
        let isFinal = body?.isEmpty == true
        do throws(HTTP3SendError) {
            try wire.http3.submitRequest(stream: stream.id, prepared: [], extra: fields.pairs, isFinal: isFinal)
        } catch {
            wire.reset(stream.id, .requestCancelled)
            return refuse(
                error == .goingAway ? .unavailable : .invalidArgument, "the request cannot be sent: \(error)")
        }
        exchanges.insert(exchange, for: stream.id)
        exchange.opened(stream.id, wire, self)
        exchange.beginContent(length: fields.contentLength, isFinal: isFinal)
        wire.sourceHasData()
        guard !isFinal, let body else { return }
        _ = exchange.send(body)
        exchange.finishWriting()
    }

    /// What arrives on a stream that is no call's.
    func take(_ event: HTTP3Event, _ fields: [HeaderField], _ input: UnsafeRawBufferPointer, of exchange: HTTP3Exchange)
    {
        func error(_ code: StatusCode, _ message: String) -> TransportError {
            TransportError(code, message, origin: .remote)
        }
        switch event {
        case .headers(let id, let range, _):
            let head = ReceivedHead(fields[range])
            let length = wire?.http3.allowsContent(id) == false ? 0 : head.contentLength
            exchange.received(head: head.status, head.headers, length: length)
        case .data(_, let content): unsafe exchange.received(content, input)
        case .trailers(_, let range): exchange.received(trailers: ReceivedHead.trailers(fields[range]))
        case .end: exchange.receivedEnd()
        case .unprocessed:
            exchange.abort(
                TransportError(
                    .unavailable, "the server did not process the request", origin: .remote, processing: .notProcessed),
                .requestCancelled)
        case .reset(_, let code):
            exchange.abort(
                error(StatusMapping.code(http3Error: code.rawValue), "the server reset the request (\(code))"),
                .requestCancelled)
        case .failed(_, let code, let reason):
            exchange.abort(error(.internal, "the server broke the protocol on the request (\(code): \(reason))"), code)
        case .headersTooLarge:
            exchange.abort(
                TransportError(
                    .resourceExhausted,
                    "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes",
                    origin: .library),
                .requestCancelled)
        case .stopSending(let id, _):
            wire?.stopWriting(id, .noError)
            exchange.stoppedByPeer()
        case .drained: exchange.drained()
        case .closed: exchange.fail(error(.internal, "the response is incomplete"))
        case .consumed(let id, let count): wire?.consume(id, count)
        case .informational, .rejected, .refuseStream, .settingsReceived, .goAway: break
        }
    }
}
