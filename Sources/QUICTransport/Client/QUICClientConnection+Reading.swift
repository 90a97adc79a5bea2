internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import StreamTables

// What arrives.

extension QUICClientConnection: HTTP3WireOwner {
    nonisolated func ready() { onLoop { $0.becameReady() } }

    nonisolated func process(_ events: HTTP3Events, _ input: UnsafeRawBufferPointer) {
        unsafe onLoop((events, input)) { unsafe $0.take($1.0, $1.1) }
    }

    private func take(_ events: HTTP3Events, _ input: UnsafeRawBufferPointer) {
        for event in events.list {
            if !exchanges.isEmpty, let id = event.stream, let exchange = exchanges[id] {
                unsafe take(event, events.fields, input, of: exchange)
                if isClosed { return }
                continue
            }
            switch event {
            case .headers(let id, let fields, let isEnd):
                calls[id]?.received(ResponseHead(events.fields[fields]), isEnd: isEnd)
            case .data(let id, let content):
                guard let call = calls[id], !call.isEnded else {
                    wire?.consume(id, content.count)
                    continue
                }
                unsafe content.withUnsafeBytes(of: input) { bytes in
                    unsafe call.received(bytes, flowBytes: content.count, isEnd: false)
                }
            case .trailers(let id, let fields): calls[id]?.received(trailers: ResponseHead(events.fields[fields]))
            case .end(let id): ended(id)
            case .headersTooLarge(let id):
                calls[id]?.cancel(
                    TransportError(
                        .resourceExhausted,
                        "the header list is over the limit of \(configuration.maximumHeaderListBytes) bytes",
                        origin: .library, endpoint: endpoint))
            case .failed(let id, let code, let reason):
                wire?.reset(id, code)
                fail(
                    id,
                    TransportError(
                        .internal, "the server broke the protocol on the call (\(code): \(reason))", origin: .remote))
            case .unprocessed(let id):
                wire?.reset(id, .requestCancelled)
                calls[id]?.unprocessed()
            case .reset(let id, let code):
                wire?.stopWriting(id, .requestCancelled)
                fail(
                    id,
                    TransportError(
                        StatusMapping.code(http3Error: code.rawValue), "the server reset the call (\(code))",
                        origin: .remote))
            case .stopSending(let id, _):
                wire?.stopWriting(id, .noError)
                // Whoever waits for room has all there is; what it sends now goes nowhere.
                calls[id]?.drained()
            case .refuseStream(let id, let code): wire?.stopReading(id, code)
            case .consumed(let id, let count): wire?.consume(id, count)
            case .drained(let id): calls[id]?.drained()
            case .closed(let id): closed(id)
            case .goAway: receivedGoAway()
            case .settingsReceived: keepSessions()
            case .informational, .rejected: break
            }
            if isClosed { return }
        }
        closeIfDrained()
    }

    private func fail(_ id: Int64, _ error: TransportError) {
        calls[id]?.fail(error)
    }

    /// The response is complete. The stream is the engine's until its last byte was acknowledged.
    private func ended(_ id: Int64) {
        guard let call = calls.remove(id) else { return }
        call.remoteEnded()
        if !queue.isEmpty { openQueued() }
    }

    private func closed(_ id: Int64) {
        calls.remove(id)?.endedWithoutStatus()
        if !queue.isEmpty { openQueued() }
    }

    private func receivedGoAway() {
        let reason = "the server is going away"
        drain(reason)
        failQueue(TransportError(.unavailable, reason, origin: .remote))
    }

    nonisolated func streamsAvailable() { onLoop { $0.openQueued() } }

    nonisolated func failed(_ error: HTTP3Error) {
        onLoop { connection in
            connection.close(
                TransportError(.internal, "the connection failed: \(error)", origin: .remote), code: error.code)
        }
    }

    nonisolated func connectionClosed(_ reason: QUICCloseReason) { onLoop { $0.ended(reason) } }

    private func ended(_ reason: QUICCloseReason) {
        if case .draining = phase, reason.isOrderly, calls.isEmpty, exchanges.isEmpty { return close(nil) }
        close(
            reason.error(
                peer: "server", isEstablished: isConfirmed, policy: policy,
                handshakeTimeout: configuration.handshakeTimeout))
    }

    nonisolated func goAwayAcknowledged() {}
    nonisolated func moved(to path: QUICPath) {}
}
