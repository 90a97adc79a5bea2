package import NodeTransport

/// What a batch of input, or sending, has led to.
///
/// The `fields` of an event are a range of ``HTTP3Events/fields`` of the same batch. Streams are QUIC's stream IDs.
package enum HTTP3Event {
    /// A request's or a response's header section. `isEnd` says that the message is already known to end here;
    /// ``end(_:)`` follows in any case.
    case headers(Int64, fields: Range<Int>, isEnd: Bool)

    /// An informational (1xx) response; the response itself is still to come.
    case informational(Int64, fields: Range<Int>)

    /// Content. Its bytes count as unread for flow control until the owner says otherwise.
    case data(Int64, HTTP3Content)

    /// The trailer section; ``end(_:)`` follows.
    case trailers(Int64, fields: Range<Int>)

    /// The message is complete and well formed.
    case end(Int64)

    /// A field section over ``HTTP3Configuration/maxFieldSectionBytes`` or ``HTTP3Configuration/maxFieldCount``.
    ///
    /// Nothing further of the stream is read. The owner answers (431, or a gRPC status) or resets it.
    case headersTooLarge(Int64)

    /// The peer's message is malformed or incomplete: the owner resets the stream and stops reading it with that code
    /// (RFC 9114 §4.1.2). No event but ``closed(_:)`` follows.
    case failed(Int64, HTTP3ErrorCode, String)

    /// Server: the request came after the GOAWAY that excludes it. The owner resets the stream and stops reading it
    /// with H3_REQUEST_REJECTED; it was not processed.
    case rejected(Int64)

    /// Client: the server has certainly not processed the request (GOAWAY or H3_REQUEST_REJECTED). After a GOAWAY the
    /// owner cancels the stream.
    case unprocessed(Int64)

    /// The peer reset its side of the stream.
    case reset(Int64, HTTP3ErrorCode)

    /// The peer wants no more of what this side sends; the owner resets the stream.
    case stopSending(Int64, HTTP3ErrorCode)

    /// The owner is to stop reading a unidirectional stream of unknown type with that code (RFC 9114 §6.2.3).
    case refuseStream(Int64, HTTP3ErrorCode)

    /// So many bytes of a stream that were held for the encoder stream have been dealt with: give their credit back.
    case consumed(Int64, Int)

    /// A stream's unsent content had reached ``HTTP3Configuration/streamQueueLowWaterBytes`` and is below it again.
    case drained(Int64)

    /// The last event of a request stream.
    case closed(Int64)

    /// The peer's SETTINGS frame arrived.
    case settingsReceived

    /// The peer announced the connection's end (RFC 9114 §5.2). For a client, requests from that ID on follow as
    /// ``unprocessed(_:)``.
    case goAway(UInt64)
}

extension HTTP3Event {
    /// The stream that it is about; `nil` when it is about the connection.
    package var stream: Int64? {
        switch self {
        case .headers(let id, _, _), .informational(let id, _), .data(let id, _), .trailers(let id, _), .end(let id),
            .headersTooLarge(let id), .failed(let id, _, _), .rejected(let id), .unprocessed(let id), .reset(let id, _),
            .stopSending(let id, _), .refuseStream(let id, _), .consumed(let id, _), .drained(let id), .closed(let id):
            id
        case .settingsReceived, .goAway: nil
        }
    }
}

/// A piece of content: a range of the bytes just received, or bytes that had to wait for the encoder stream.
package struct HTTP3Content {
    let range: Range<Int>
    let held: Bytes?

    /// How many bytes there are.
    package var count: Int { range.count }

    /// Lends the bytes, which are valid during the call; `input` is what was given to
    /// ``HTTP3Connection/receive(stream:_:isFinal:into:)``.
    @unsafe
    package func withUnsafeBytes<Result>(
        of input: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        guard let held else { return try unsafe body(UnsafeRawBufferPointer(rebasing: input[range])) }
        return try unsafe held.slice(range).withUnsafeBytes(body)
    }

    /// A copy, or what was held, without one.
    package func bytes(of input: RawSpan) -> Bytes {
        held.map { $0.slice(range) } ?? Bytes(copying: input.extracting(range))
    }
}

/// A batch of events, owned and reused by the engine's owner.
package struct HTTP3Events {
    package var list: [HTTP3Event] = []
    package var fields: [HeaderField] = []

    package init() {}

    /// Empties the batch.
    package mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }
}

/// Which end of the connection an engine is.
package enum HTTP3Role: Sendable {
    case client
    case server
}
