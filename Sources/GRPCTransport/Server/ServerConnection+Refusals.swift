internal import HTTP2Engine
internal import NodeTransport

// Answers to requests that are no calls.

extension ServerConnection {
    /// Answers a call that has no handler with a status.
    func refuse(_ handle: StreamHandle, _ status: TransportError) {
        wire.engine.sendHeaders(
            handle, prepared: port.responseHead, extra: status.statusPairs + status.metadata.headerPairs,
            endStream: true)
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
