internal import NodeTransport

/// A request and its response. Objects are reused by later streams.
final class RequestStream {
    /// What may come from the peer next (RFC 9114 §4.1).
    enum Reading {
        /// A header section; for a client also after informational responses.
        case head
        /// Content or trailers.
        case content
        /// The end.
        case trailersRead
        /// Nothing: the message is complete.
        case complete
        /// What comes is dropped: the message is malformed, or nobody wants it.
        case ignored
    }

    /// What this side has sent.
    enum Writing {
        case nothing
        case informational
        case head
        case ended
    }

    var id: Int64 = -1

    // Reading.
    var reading = Reading.head
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var frameHeader = FrameHeaderReader()
    var isInFrame = false
    var frameType: UInt64 = 0
    var frameLeft: UInt64 = 0
    var idleFrames = 0
    /// The part of a field section that has come, or that waits for the encoder stream.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var sectionBytes: [UInt8] = []
    @safe @exclusivity(unchecked) var section: QPACKDecoder.Section?
    var isBlocked = false
    /// What came behind the blocked section, and whether the stream's end did.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var held: BytesBuilder?
    var isEndHeld = false
    /// QUIC has no such stream any more; it is kept because what is held was not read yet.
    var isClosedByQUIC = false
    /// The content-length, or −1.
    var expectedContentBytes: Int64 = -1
    var contentBytes: Int64 = 0
    var isHeadRequest = false
    var isConnect = false
    var allowsContent = true

    // Writing.
    var writing = Writing.nothing
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var output = SendBuffer()
    var isWriteBlocked = false
    var isQueued = false
    var awaitsDrained = false
    var turnBytes = 0
    /// The peer has said that it will not decode what it has not yet.
    var isDecodingCancelled = false

    /// Whether the stream should stand in the queue of those that send.
    var wantsTurn: Bool { output.hasOutput && !isWriteBlocked }

    /// As new.
    func reset() {
        id = -1
        reading = .head
        frameHeader = FrameHeaderReader()
        isInFrame = false
        idleFrames = 0
        forgetInput()
        isClosedByQUIC = false
        expectedContentBytes = -1
        contentBytes = 0
        isHeadRequest = false
        isConnect = false
        allowsContent = true
        writing = .nothing
        output.reset()
        isWriteBlocked = false
        awaitsDrained = false
        turnBytes = 0
        isDecodingCancelled = false
    }

    /// Drops what waits to be read; answers how many held bytes that were.
    @discardableResult
    func forgetInput() -> Int {
        let count = held?.count ?? 0
        if isBlocked {
            held = nil
            section = nil
            isBlocked = false
            isEndHeld = false
        }
        if !sectionBytes.isEmpty { sectionBytes = [] }
        return count
    }

    /// Keeps `bytes` until the encoder stream has caught up.
    func hold(_ bytes: RawSpan) {
        guard bytes.byteCount > 0 else { return }
        if held == nil { held = BytesBuilder(capacity: bytes.byteCount) }
        unsafe bytes.withUnsafeBytes { unsafe held?.append($0) }
    }
}
