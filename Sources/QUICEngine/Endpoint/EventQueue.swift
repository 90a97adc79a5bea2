internal import NodeTransport

/// Events in the order they came, and the stream data of one batch of datagrams in one slab.
///
/// What happens for every call is kept in a few words and becomes a ``QUICEvent`` when it is taken; what is rare is
/// kept as the event.
final class EventQueue {
    private enum Kind: UInt8 {
        case streamOpened, streamData, streamWritable, streamUnblocked, streamAcknowledged, streamClosed
        case datagram
        /// What follows lies in the slab of this batch.
        case batch
        case rare
    }

    private struct Entry {
        let kind: Kind
        /// The data ends the stream; the stream closed with a code.
        var flag = false
        /// The stream or connection, the batch, or the rare event.
        let object: AnyObject
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
        append(Entry(kind: .rare, object: Rare(event)))
    }

    func appendOpened(_ stream: QUICStream) { append(Entry(kind: .streamOpened, object: stream)) }

    func appendWritable(_ stream: QUICStream) { append(Entry(kind: .streamWritable, object: stream)) }

    func appendUnblocked(_ stream: QUICStream) { append(Entry(kind: .streamUnblocked, object: stream)) }

    /// How many bytes is asked when the event is taken.
    func appendAcknowledged(_ stream: QUICStream) { append(Entry(kind: .streamAcknowledged, object: stream)) }

    func appendClosed(_ stream: QUICStream, code: UInt64?) {
        append(Entry(kind: .streamClosed, flag: code != nil, object: stream, number: code ?? 0))
    }

    private func append(_ entry: consuming Entry) {
        lastStream = nil
        entries.append(entry)
    }

    func pop() -> QUICEvent? {
        while let entry = entries.popFirst() {
            switch entry.kind {
            case .streamOpened: return .streamOpened(stream(entry))
            case .streamData:
                let bytes = taken.slice(Int(entry.number)..<Int(entry.end))
                return .streamData(stream(entry), bytes, isLast: entry.flag)
            case .streamWritable: return .streamWritable(stream(entry))
            case .streamUnblocked: return .streamUnblocked(stream(entry))
            case .streamAcknowledged:
                let stream = stream(entry)
                let byteCount = stream.unreportedAcknowledgedBytes
                stream.unreportedAcknowledgedBytes = 0
                return .streamAcknowledged(stream, byteCount: byteCount)
            case .streamClosed: return .streamClosed(stream(entry), code: entry.flag ? entry.number : nil)
            case .datagram:
                let bytes = taken.slice(Int(entry.number)..<Int(entry.end))
                return .datagram(unsafe unsafeDowncast(entry.object, to: QUICConnection.self), bytes)
            // Sound, as for all here: an entry is made only where its kind tells the class of its object.
            case .batch:
                let batch = unsafe unsafeDowncast(entry.object, to: Batch.self)
                taken = batch.bytes
                batch.bytes = Bytes()
                spareBatch = batch
            case .rare: return unsafe unsafeDowncast(entry.object, to: Rare.self).event
            }
        }
        if !taken.isEmpty { taken = Bytes() }
        return nil
    }

    private func stream(_ entry: borrowing Entry) -> QUICStream {
        unsafe unsafeDowncast(entry.object, to: QUICStream.self)
    }

    /// Between this and ``endBatch()`` nothing is popped.
    func beginBatch(byteCount: Int) {
        batchBytes = byteCount
    }

    /// Bytes of `stream`, which continue its last ones if nothing came between.
    func appendData(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, isLast: Bool) {
        let (start, end) = unsafe copy(bytes)
        if lastStream == ObjectIdentifier(stream), let last = entries[entries.count - 1], last.end == start {
            entries.replaceLast(
                Entry(kind: .streamData, flag: isLast, object: stream, number: last.number, end: end))
        } else {
            entries.append(Entry(kind: .streamData, flag: isLast, object: stream, number: start, end: end))
            lastStream = ObjectIdentifier(stream)
        }
    }

    func appendDatagram(_ connection: QUICConnection, _ bytes: UnsafeRawBufferPointer) {
        let (start, end) = unsafe copy(bytes)
        append(Entry(kind: .datagram, object: connection, number: start, end: end))
    }

    func endBatch() {
        lastStream = nil
        guard let batch = batch.take() else { return }
        batch.bytes = slab.take()?.finish() ?? Bytes()
    }

    func removeAll() {
        entries.removeAll()
        taken = Bytes()
        batch = nil
        slab = nil
        lastStream = nil
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) -> (start: UInt64, end: UInt64) {
        if batch == nil {
            let begun = spareBatch.take() ?? Batch()
            batch = begun
            slab = BytesBuilder(capacity: max(batchBytes, bytes.count))
            append(Entry(kind: .batch, object: begun))
        }
        // Taken out for the while, so that no check of exclusive access spans the copying.
        guard var builder = slab.take() else { return (0, 0) }
        let start = UInt64(builder.count)
        unsafe builder.append(bytes)
        slab = consume builder
        return (start, start + UInt64(bytes.count))
    }
}
