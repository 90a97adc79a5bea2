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
        var fields = [
            HeaderPair(name: ":status", value: httpStatus), HeaderPair(name: "content-type", value: "text/plain"),
        ]
        // RFC 9110 §15.5.6
        if httpStatus == "405" { fields.append(HeaderPair(name: "allow", value: "POST")) }
        wire.engine.sendHeaders(handle, prepared: [], extra: fields, endStream: message.isEmpty)
        if !message.isEmpty { wire.engine.sendData(handle, payload: Bytes(utf8: message), endStream: true) }
        scheduleFlush()
    }
}
