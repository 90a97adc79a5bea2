internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine

// What the wire does for calls, and for requests that are none.

extension QUICServerConnection: ServerCallWire {
    nonisolated func sendHead(_ handle: CallHandle, initial: Metadata) {
        onLoop { connection in
            connection.attempt(handle) { (wire) throws(HTTP3SendError) in
                try wire.http3.submitResponse(
                    stream: handle.id, prepared: connection.responseHead,
                    extra: initial.isEmpty ? [] : initial.headerPairs, isFinal: false)
            }
        }
    }

    nonisolated func write(_ message: Bytes, to handle: CallHandle) {
        onLoop { connection in
            connection.attempt(handle) { (wire) throws(HTTP3SendError) in
                try wire.http3.submitBody(
                    stream: handle.id, prefix: UInt64(message.count), prefixCount: MessageAssembler.prefixBytes,
                    payload: message, isFinal: false)
            }
        }
    }

    nonisolated func sendTrailers(_ handle: CallHandle, trailers: Metadata) {
        onLoop { connection in
            connection.attempt(handle) { (wire) throws(HTTP3SendError) in
                try wire.http3.submitTrailers(
                    stream: handle.id, prepared: connection.okTrailers,
                    extra: trailers.isEmpty ? [] : trailers.headerPairs)
            }
            connection.finished(handle.id)
        }
    }

    nonisolated func sendStatus(
        _ handle: CallHandle, _ status: TransportError, trailers: Metadata, isHeadSent: Bool, initial: Metadata
    ) {
        onLoop { connection in
            let extra = status.statusPairs + (trailers.headerPairs + status.metadata.headerPairs)
            connection.attempt(handle) { (wire) throws(HTTP3SendError) in
                if !isHeadSent, initial.isEmpty {
                    return try wire.http3.submitResponse(
                        stream: handle.id, prepared: connection.responseHead, extra: extra, isFinal: true)
                }
                if !isHeadSent {
                    try wire.http3.submitResponse(
                        stream: handle.id, prepared: connection.responseHead, extra: initial.headerPairs,
                        isFinal: false)
                }
                try wire.http3.submitTrailers(stream: handle.id, prepared: [], extra: extra)
            }
            connection.finished(handle.id)
        }
    }

    nonisolated func unsentBytes(_ handle: CallHandle) -> Int { onLoop { $0.wire?.http3.queuedBytes(handle.id) ?? 0 } }

    nonisolated func consume(_ handle: CallHandle, byteCount: Int) {
        onLoop { $0.wire?.consume(handle.id, byteCount) }
    }
}

extension QUICServerConnection {
    /// Sends something on a call's stream. What the client refuses by its settings resets the stream; a stream that is
    /// gone is of no interest.
    private func attempt(_ handle: CallHandle, _ body: (HTTP3Wire) throws(HTTP3SendError) -> Void) {
        guard let wire else { return }
        do throws(HTTP3SendError) {
            try body(wire)
            wire.sourceHasData()
        } catch {
            if case .fieldSectionTooLarge = error { wire.reset(handle.id, .excessiveLoad) }
        }
    }

    /// The answer is complete: the rest of the request, if there is any, is not wanted (RFC 9114 §4.1).
    private func finished(_ id: Int64) {
        calls[id] = nil
        guard let wire, !wire.http3.isReadComplete(id) else { return }
        wire.stopReading(id, .noError)
    }

    /// Answers a call that has no handler with a status.
    func refuse(_ id: Int64, _ status: TransportError) {
        attempt(CallHandle(id: id)) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitResponse(
                stream: id, prepared: responseHead, extra: status.statusPairs + status.metadata.headerPairs,
                isFinal: true)
        }
        finished(id)
    }

    /// Answers a request that is not gRPC.
    func refuse(_ id: Int64, httpStatus: String, _ message: String) {
        attempt(CallHandle(id: id)) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitResponse(
                stream: id, prepared: [],
                extra: [
                    HeaderPair(name: ":status", value: httpStatus),
                    HeaderPair(name: "content-type", value: "text/plain"),
                ], isFinal: false)
            try wire.http3.submitBody(stream: id, payload: Bytes(utf8: message), isFinal: true)
        }
        finished(id)
    }
}
