/// What feeds streams when a packet is being packed, in place of the engine's own queues: an HTTP/3 layer,
/// which decides itself which stream is next.
///
/// The engine calls it from ``QUICEndpoint/pollTransmit(into:now:)`` only. None of its methods may call the
/// connection or the endpoint. When there is something to offer again after there was nothing, the
/// owner calls ``QUICConnection/sourceHasData()``.
package protocol QUICStreamSource: AnyObject {
    /// The next piece to send, written to `vectors` (``QUICVector/maximumCount`` places); nil when there is none.
    ///
    /// The bytes stay at their addresses until they were acknowledged (``QUICEvent/streamAcknowledged(_:byteCount:)``)
    /// or the stream was closed. It may be asked again before it is told what was accepted of this offer only
    /// if nothing was.
    func nextOffer(_ vectors: UnsafeMutableBufferPointer<QUICVector>) -> QUICStreamOffer?

    /// The first `byteCount` bytes of the offer are in a packet, and its end if `byteCount` is all of it.
    func didAccept(stream: Int64, byteCount: Int)

    /// The stream has no credit: it is not offered until ``QUICEvent/streamUnblocked(_:)``.
    func didBlock(stream: Int64)

    /// The stream's sending side is gone: the peer asked to stop, or the stream was reset. It is not offered again.
    func didShutWrite(stream: Int64)
}

/// What a source offers: the first `vectorCount` vectors, on `stream`.
package struct QUICStreamOffer {
    package var stream: Int64
    package var vectorCount: Int
    /// Whether the stream ends behind these bytes.
    package var isLast: Bool

    package init(stream: Int64, vectorCount: Int, isLast: Bool) {
        self.stream = stream
        self.vectorCount = vectorCount
        self.isLast = isLast
    }
}
