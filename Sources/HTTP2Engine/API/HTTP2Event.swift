package import NodeTransport

/// What a batch of input, or sending, has led to.
///
/// The `fields` of an event are a range of ``HTTP2Events/fields`` of the same batch, and a `text` is a place in
/// ``HTTP2Events/texts``: an event refers to no object, so that passing it on costs no reference counting.
package enum HTTP2Event {
    /// A request's or a response's header section. Informational (1xx) responses are swallowed.
    case headers(StreamHandle, fields: Range<Int>, endStream: Bool)

    /// The trailer section; the peer sends no more on this stream.
    case trailers(StreamHandle, fields: Range<Int>)

    /// Content, as it arrived: `chunk` is a range of the input buffer of this ``HTTP2Engine/receive(_:now:into:)``.
    ///
    /// `flowBytes` are given back with ``HTTP2Engine/consume(_:_:)`` when the owner is done with them. Padding is
    /// neither in `chunk` nor in `flowBytes`: the engine gives its credit back itself. The chunk is empty for content
    /// that the owner has read itself (``HTTP2Engine/contentToCome``).
    case data(StreamHandle, chunk: Range<Int>, flowBytes: Int, endStream: Bool)

    /// A header or trailer section over ``HTTP2Configuration/maxHeaderListBytes``; its fields are dropped.
    ///
    /// The stream is open; the owner answers or resets it.
    case headersTooLarge(StreamHandle)

    /// The stream ended early: the peer reset it, or this engine did for the peer's error on it.
    case reset(StreamHandle, HTTP2ErrorCode, byPeer: Bool)

    /// Client: the stream ended and the server has certainly not processed it (GOAWAY or REFUSED_STREAM).
    case unprocessed(StreamHandle)

    /// The last event of a stream. Its slot is free as soon as this batch has been emptied.
    case closed(StreamHandle)

    /// A send queue that had reached ``HTTP2Configuration/streamQueueLowWaterBytes`` is below it again.
    case drained(StreamHandle)

    /// The peer announced the connection's end. Streams above `lastStreamID` follow as ``unprocessed(_:)``.
    case goAway(lastStreamID: UInt32, HTTP2ErrorCode, text: Int)

    /// The peer's first SETTINGS frame arrived.
    case settingsReceived

    /// The peer has applied this side's SETTINGS.
    case settingsAcknowledged

    /// The peer answered a ping.
    case pingAcknowledged(UInt64)

    /// The connection is unusable for the peer's error, with GOAWAY in the output, or (with `noError`) for
    /// its early end. No event of a stream follows; the owner flushes, closes, and fails what is open.
    case connectionFailed(HTTP2ErrorCode, text: Int)
}

/// A batch of events, owned and reused by the engine's owner.
package struct HTTP2Events {
    package var list: [HTTP2Event] = []
    package var fields: [HeaderField] = []
    /// What the peer's GOAWAY said, or what failed; not necessarily UTF-8.
    package var texts: [Bytes] = []

    package init() {}

    mutating func goAway(lastStreamID: UInt32, _ code: HTTP2ErrorCode, debug: Bytes) {
        texts.append(debug)
        list.append(.goAway(lastStreamID: lastStreamID, code, text: texts.count - 1))
    }

    mutating func connectionFailed(_ code: HTTP2ErrorCode, _ reason: String) {
        texts.append(Bytes(utf8: reason))
        list.append(.connectionFailed(code, text: texts.count - 1))
    }

    /// The text of an event of this batch.
    package func text(_ place: Int) -> String { String(decoding: texts[place], as: UTF8.self) }

    /// Empties the batch; slots of streams that closed in it may be reused from here on.
    package mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        if !texts.isEmpty { texts.removeAll() }
    }
}
