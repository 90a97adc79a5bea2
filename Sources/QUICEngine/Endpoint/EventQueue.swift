internal import NodeTransport

/// Events in the order they came, and the stream data of one batch of datagrams in one slab.
struct EventQueue: ~Copyable {
    private var events = FIFO<QUICEvent>()

    // The slab that the batch under way is copied to, and the events that will be slices of it.
    private var slab: BytesBuilder?
    private var batchBytes = 0
    private var pieces: [(offset: Int, stream: QUICStream?, start: Int, end: Int)] = []

    var count: Int { events.count }

    mutating func append(_ event: QUICEvent) {
        events.append(event)
    }

    mutating func pop() -> QUICEvent? {
        guard let event = events.popFirst() else { return nil }
        if case .streamAcknowledged(let stream, _) = event {
            let byteCount = stream.unreportedAcknowledgedBytes
            stream.unreportedAcknowledgedBytes = 0
            return .streamAcknowledged(stream, byteCount: byteCount)
        }
        return event
    }

    /// Between this and ``endBatch()`` nothing is popped.
    mutating func beginBatch(byteCount: Int) {
        batchBytes = byteCount
    }

    /// Bytes of `stream`, which continue its last ones if nothing came between.
    mutating func appendData(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, isLast: Bool) {
        let (start, end) = unsafe copy(bytes)
        if let last = pieces.last, last.stream === stream, last.offset == events.count - 1, last.end == start {
            pieces[pieces.count - 1].end = end
            if isLast { events.replaceLast(.streamData(stream, Bytes(), isLast: true)) }
            return
        }
        pieces.append((events.count, stream, start, end))
        events.append(.streamData(stream, Bytes(), isLast: isLast))
    }

    mutating func appendDatagram(_ connection: QUICConnection, _ bytes: UnsafeRawBufferPointer) {
        let (start, end) = unsafe copy(bytes)
        pieces.append((events.count, nil, start, end))
        events.append(.datagram(connection, Bytes()))
    }

    mutating func endBatch() {
        guard !pieces.isEmpty else { return }
        let bytes = slab.take()?.finish() ?? Bytes()
        for piece in pieces {
            let slice = bytes.slice(piece.start..<piece.end)
            switch events[piece.offset] {
            case .streamData(let stream, _, let isLast):
                events.replace(at: piece.offset, .streamData(stream, slice, isLast: isLast))
            case .datagram(let connection, _):
                events.replace(at: piece.offset, .datagram(connection, slice))
            default: break
            }
        }
        pieces.removeAll(keepingCapacity: true)
    }

    mutating func removeAll() {
        events.removeAll()
        pieces.removeAll()
        slab = nil
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) -> (start: Int, end: Int) {
        if slab == nil { slab = BytesBuilder(capacity: max(batchBytes, bytes.count)) }
        let start = slab?.count ?? 0
        unsafe slab?.append(bytes)
        return (start, start + bytes.count)
    }
}
