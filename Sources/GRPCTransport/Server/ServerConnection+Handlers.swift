internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport

// What the wire does for calls, and for requests that are none.

extension ServerConnection: ServerCallWire {
    nonisolated func sendHead(_ handle: CallHandle, initial: Metadata) {
        onLoop { connection in
            connection.wire.engine.sendHeaders(
                StreamHandle(handle), prepared: connection.responseHead,
                extra: initial.isEmpty ? [] : initial.headerPairs, endStream: false)
            connection.scheduleFlush()
        }
    }

    nonisolated func write(_ message: Bytes, to handle: CallHandle) {
        onLoop { connection in
            connection.wire.engine.sendData(
                StreamHandle(handle), prefix: UInt64(message.count) << 24, prefixCount: MessageAssembler.prefixBytes,
                payload: message, endStream: false)
            connection.scheduleFlush()
        }
    }

    nonisolated func sendTrailers(_ handle: CallHandle, trailers: Metadata) {
        onLoop { connection in
            connection.wire.engine.sendTrailers(
                StreamHandle(handle), prepared: connection.okTrailers,
                extra: trailers.isEmpty ? [] : trailers.headerPairs)
            connection.scheduleFlush()
        }
    }

    nonisolated func sendStatus(
        _ handle: CallHandle, _ status: TransportError, trailers: Metadata, isHeadSent: Bool, initial: Metadata
    ) {
        onLoop { connection in
            let handle = StreamHandle(handle)
            let extra = status.statusPairs + (trailers.headerPairs + status.metadata.headerPairs)
            if isHeadSent {
                connection.wire.engine.sendTrailers(handle, prepared: [], extra: extra)
            } else if initial.isEmpty {
                connection.wire.engine.sendHeaders(
                    handle, prepared: connection.responseHead, extra: extra, endStream: true)
            } else {
                connection.wire.engine.sendHeaders(
                    handle, prepared: connection.responseHead, extra: initial.headerPairs, endStream: false)
                connection.wire.engine.sendTrailers(handle, prepared: [], extra: extra)
            }
            connection.scheduleFlush()
        }
    }

    nonisolated func unsentBytes(_ handle: CallHandle) -> Int {
        onLoop { $0.wire.engine.queuedBytes(StreamHandle(handle)) }
    }

    nonisolated func consume(_ handle: CallHandle, byteCount: Int) {
        onLoop { connection in
            connection.wire.engine.consume(StreamHandle(handle), byteCount)
            connection.scheduleFlush()
        }
    }
}

extension ServerConnection {
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
}
