internal import NodeTransport

/// Events in the order they came, and the stream data of one batch of datagrams in one slab.
///
/// What happens for every call is kept in a few words and becomes a ``QUICEvent`` when it is taken; what is rare is
/// kept as the event.
@safe
final class EventQueue {
    private enum Kind: UInt8 {
        case streamData, streamWritable, streamUnblocked, streamAcknowledged, streamClosed
        case datagram
        /// What follows lies in the slab of this batch.
        case batch
        case rare
    }

    @safe
    private struct Entry {
        let kind: Kind
        /// The data ends the stream; the stream closed with a code.
        var flag = false
        /// The stream or connection, the batch, or the rare event.
        // Sound: retained by who appends the entry, and released by who takes it from the queue.
        let object: Unmanaged<AnyObject>
        /// Where the bytes lie in the batch's slab, or the code.
        var number: UInt64 = 0
        var end: UInt64 = 0
    }

    /// The bytes that one batch of datagrams brought.
    private final class Batch {
        var bytes = Bytes()
    }

    private final class Rare {
        let event: QUICEvent
        init(_ event: QUICEvent) { self.event = event }
    }

    private let entries = FIFO<Entry>()

    deinit { releaseEntries() }

    /// The slab of the events that are taken now.
    private var taken = Bytes()

    // The batch under way, the slab that its bytes are copied to, and how many those may be.
    private var batch: Batch?
    /// One that was taken, for the next batch.
    private var spareBatch: Batch?
    private var slab: BytesBuilder?
    private var batchBytes = 0
    /// The stream whose data the last entry is.
    private var lastStream: ObjectIdentifier?

    var count: Int { entries.count }

    func append(_ event: QUICEvent) {
        append(.rare, Rare(event))
    }

    func appendWritable(_ stream: QUICStream) { append(.streamWritable, stream) }

    func appendUnblocked(_ stream: QUICStream) { append(.streamUnblocked, stream) }

    /// How many bytes is asked when the event is taken.
    func appendAcknowledged(_ stream: QUICStream) { append(.streamAcknowledged, stream) }

    func appendClosed(_ stream: QUICStream, code: UInt64?) {
        append(.streamClosed, flag: code != nil, stream, number: code ?? 0)
    }

    private func append(_ kind: Kind, flag: Bool = false, _ object: AnyObject, number: UInt64 = 0, end: UInt64 = 0) {
        lastStream = nil
        unsafe entries.append(
            Entry(kind: kind, flag: flag, object: .passRetained(object), number: number, end: end))
    }

    func pop() -> QUICEvent? {
        guard let entry = next() else { return nil }
        return event(entry)
    }

    /// Gives events to `handler` while it takes them, but no more than `limit`; answers how many those were.
    func pop(to handler: some QUICEventHandler, limit: Int) -> Int {
        var count = 0
        while count < limit, handler.takesEvents, let entry = next() {
            count += 1
            switch entry.kind {
            case .streamData: handler.received(stream(entry), bytes(entry), isLast: entry.flag)
            case .streamAcknowledged:
                let stream = stream(entry)
                handler.acknowledged(stream, byteCount: stream.takeUnreportedAcknowledgedBytes())
            case .streamClosed: handler.closed(stream(entry), code: code(entry))
            default: handler.take(event(entry))
            }
        }
        return count
    }

    /// The next entry that is an event, which a batch is not. Its object is to be released by whoever reads it.
    private func next() -> Entry? {
        while let entry = entries.popFirst() {
            guard entry.kind == .batch else { return entry }
            let batch: Batch = object(entry)
            taken = batch.bytes
            batch.bytes = Bytes()
            spareBatch = batch
        }
        if !taken.isEmpty { taken = Bytes() }
        return nil
    }

    private func event(_ entry: Entry) -> QUICEvent {
        switch entry.kind {
        case .streamData: .streamData(stream(entry), bytes(entry), isLast: entry.flag)
        case .streamWritable: .streamWritable(stream(entry))
        case .streamUnblocked: .streamUnblocked(stream(entry))
        case .streamAcknowledged: acknowledged(stream(entry))
        case .streamClosed: .streamClosed(stream(entry), code: code(entry))
        case .datagram: .datagram(object(entry), bytes(entry))
        case .rare, .batch: (object(entry) as Rare).event
        }
    }

    private func acknowledged(_ stream: QUICStream) -> QUICEvent {
        .streamAcknowledged(stream, byteCount: stream.takeUnreportedAcknowledgedBytes())
    }

    private func bytes(_ entry: Entry) -> Bytes { taken.slice(Int(entry.number)..<Int(entry.end)) }

    private func code(_ entry: Entry) -> UInt64? { entry.flag ? entry.number : nil }

    private func stream(_ entry: Entry) -> QUICStream { object(entry) }

    /// The object of an entry that has left the queue; to be asked for once.
    @inline(__always)
    private func object<Object: AnyObject>(_ entry: Entry) -> Object {
        // Sound: an entry is made only where its kind tells the class of its object.
        unsafe unsafeDowncast(entry.object.takeRetainedValue(), to: Object.self)
    }

    /// Between this and ``endBatch()`` nothing is popped.
    func beginBatch(byteCount: Int) {
        batchBytes = byteCount
    }

    /// Bytes of `stream`, which continue its last ones if nothing came between.
    func appendData(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, isLast: Bool) {
        let (start, end) = unsafe copy(bytes)
        if lastStream == ObjectIdentifier(stream), var last = entries[entries.count - 1], last.end == start {
            last.flag = isLast
            last.end = end
            entries.replaceLast(last)
        } else {
            append(.streamData, flag: isLast, stream, number: start, end: end)
            lastStream = ObjectIdentifier(stream)
        }
    }

    func appendDatagram(_ connection: QUICConnection, _ bytes: UnsafeRawBufferPointer) {
        let (start, end) = unsafe copy(bytes)
        append(.datagram, connection, number: start, end: end)
    }

    func endBatch() {
        lastStream = nil
        guard let batch = batch.take() else { return }
        batch.bytes = slab.take()?.finish() ?? Bytes()
    }

    func removeAll() {
        releaseEntries()
        taken = Bytes()
        batch = nil
        slab = nil
        lastStream = nil
    }

    private func releaseEntries() {
        while let entry = entries.popFirst() { unsafe entry.object.release() }
        entries.removeAll()
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) -> (start: UInt64, end: UInt64) {
        if batch == nil {
            let begun = spareBatch.take() ?? Batch()
            batch = begun
            slab = BytesBuilder(capacity: max(batchBytes, bytes.count))
            append(.batch, begun)
        }
        // Taken out for the while, so that no check of exclusive access spans the copying.
        guard var builder = slab.take() else { return (0, 0) }
        let start = UInt64(builder.count)
        unsafe builder.append(bytes)
        slab = consume builder
        return (start, start + UInt64(bytes.count))
    }
}
