internal import NodeTransport

/// A QPACK encoder (RFC 9204) that never makes the peer wait: it refers to those entries of the dynamic table only that the
/// peer is known to have, and sends literals until then.
///
/// Fields that are prepared enter the table when they are sent first, those that are sent once when they come again. A table
/// that is full stays as it is, which is all that a connection needs that makes its calls by the same few methods; one whose
/// fields are not those that are sent any more is renewed as a whole, once nothing refers to it.
@safe
struct QPACKEncoder: ~Copyable {
    /// An encoded section, until the next one is encoded.
    @safe
    struct Encoded: ~Copyable {
        let count: Int
        fileprivate let start: UnsafePointer<UInt8>?

        /// Copies the section to `target`, which has room for ``count`` bytes.
        func copy(to target: UnsafeMutableRawPointer) {
            if let start = unsafe start { unsafe target.copyMemory(from: start, byteCount: count) }
        }
    }

    /// So many fields that found no room in a full table make it old.
    private static let missesOfAnOldTable = 512
    /// How many of the fields that were sent once are remembered, by their hash.
    private static let rememberedFields = 64
    /// A section's prefix takes no more.
    private static let prefixBytes = 2 * FieldLine.integerBytes
    /// The longest field that is put into the table.
    private static let longestEntryBytes = 512

    /// The most that is used of what the peer offers, and what of it is.
    private let tableBytes: Int
    private var capacity = 0
    private var isCapacityAnnounced = false
    /// How many entries the peer's table could have at most (RFC 9204 §4.5.1.1).
    private var peerMaximumEntries = 0
    private var table = EncoderTable()
    /// How many insertions the peer is known to have seen (RFC 9204 §2.1.4).
    private var knownReceived = 0
    private var outstanding = OutstandingSections()
    private var misses = 0
    /// By hash, the fields that were sent once.
    private var remembered: [UInt64] = []
    private var reader = DecoderInstructionReader()

    /// Owned: room for the prefix, the field lines, and the text of fields that are sent once.
    private var output: UnsafeMutablePointer<UInt8>?
    private var outputCapacity = 0
    private var instructions: [UInt8] = []

    /// - Parameter tableBytes: the most that is used of what the peer offers.
    init(tableBytes: Int) { self.tableBytes = tableBytes }

    deinit { unsafe output?.deallocate() }

    /// What the peer's SETTINGS allow.
    mutating func setPeerLimits(tableBytes offered: UInt64) {
        capacity = min(tableBytes, Int(clamping: offered))
        peerMaximumEntries = Int(clamping: offered / 32)
    }

    // MARK: Sections

    /// Encodes a section. What the encoder stream has to say is in ``takeInstructions()``.
    mutating func encode(stream: Int64, _ prepared: [PreparedField], _ extra: [HeaderPair]) -> Encoded {
        if misses >= Self.missesOfAnOldTable { renewIfUnused() }
        var lineBytes = 0
        var textBytes = 0
        // Not the array itself: its elements would be retained one by one.
        let fields = prepared.span
        for position in fields.indices { lineBytes += fields[position].lineBytes + FieldLine.integerBytes }
        for field in extra { textBytes += field.name.utf8.count + field.value.utf8.count }
        lineBytes += textBytes + extra.count * FieldLine.overheadBytes
        let output = unsafe room(Self.prefixBytes + lineBytes + textBytes)
        var line = unsafe output + Self.prefixBytes
        var text = unsafe line + lineBytes

        let usesTable = capacity > 0 && !outstanding.isFull && misses < Self.missesOfAnOldTable
        var required = 0
        for position in fields.indices {
            if usesTable, fields[position].isWorthIndexing,
                let index = unsafe known(fields[position].text, isPrepared: true)
            {
                required = max(required, index &+ 1)
                unsafe line += writeReference(to: index, at: line)
            } else {
                let byteCount = fields[position].lineBytes
                unsafe line.update(from: fields[position].line, count: byteCount)
                unsafe line += byteCount
            }
        }
        for field in extra {
            let bytes = unsafe FieldText(field.name, field.value, writtenTo: text)
            unsafe text += bytes.byteCount
            if usesTable, !field.isSensitive, let index = unsafe known(bytes, isPrepared: false) {
                required = max(required, index + 1)
                unsafe line += writeReference(to: index, at: line)
            } else {
                let match = StaticTable.match(name: field.name, value: field.value)
                unsafe line += FieldLine.write(bytes, match, isSensitive: field.isSensitive, to: line)
            }
        }
        if required > 0 { outstanding.append(stream) }
        let start = unsafe writePrefix(required: required, before: output + Self.prefixBytes)
        return unsafe Encoded(count: line - start, start: start)
    }

    /// The prefix goes right before the lines (RFC 9204 §4.5.1); the base is what the peer is known to have.
    private func writePrefix(
        required: Int, before lines: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        guard required > 0 else {
            unsafe lines[-1] = 0
            unsafe lines[-2] = 0
            return unsafe lines - 2
        }
        let start = unsafe lines - Self.prefixBytes
        let encoded = required % (2 * peerMaximumEntries) + 1
        var count = unsafe FieldLine.write(encoded, prefix: 8, pattern: 0, to: start)
        unsafe count += FieldLine.write(knownReceived - required, prefix: 7, pattern: 0, to: start + count)
        unsafe (lines - count).update(from: start, count: count)
        return unsafe lines - count
    }

    /// RFC 9204 §4.5.2.
    private func writeReference(to index: Int, at line: UnsafeMutablePointer<UInt8>) -> Int {
        unsafe FieldLine.write(knownReceived &- 1 &- index, prefix: 6, pattern: 0x80, to: line)
    }

    private mutating func room(_ byteCount: Int) -> UnsafeMutablePointer<UInt8> {
        if let output = unsafe output, byteCount <= outputCapacity { return unsafe output }
        unsafe output?.deallocate()
        outputCapacity = max(byteCount, 512)
        let made = UnsafeMutablePointer<UInt8>.allocate(capacity: outputCapacity)
        unsafe output = unsafe made
        return unsafe made
    }

    // MARK: The table

    /// The entry that is this field, if the peer is known to have it. One that is not there may become an entry.
    private mutating func known(_ field: FieldText, isPrepared: Bool) -> Int? {
        if let index = unsafe table.index(of: field) { return index < knownReceived ? index : nil }
        if unsafe isPrepared || remembers(field.hash) { unsafe insert(field) }
        return nil
    }

    /// Whether a field was sent lately; from now on it was.
    private mutating func remembers(_ hash: UInt64) -> Bool {
        if remembered.isEmpty { remembered = Array(repeating: 0, count: Self.rememberedFields) }
        let place = Int(truncatingIfNeeded: hash >> 32) & (Self.rememberedFields - 1)
        defer { remembered[place] = hash }
        return remembered[place] == hash
    }

    private mutating func insert(_ field: FieldText) {
        guard unsafe field.entryBytes <= Self.longestEntryBytes else { return }
        guard unsafe table.hasRoom(for: field, capacity: capacity) else {
            misses += 1
            return
        }
        if !isCapacityAnnounced {
            isCapacityAnnounced = true
            setCapacity(capacity)
        }
        let name = unsafe String(decoding: field.name, as: UTF8.self)
        let match = StaticTable.match(name: name, value: "")
        unsafe append(field.byteCount + FieldLine.overheadBytes) {
            unsafe FieldLine.writeInsertion(field, match, to: $0)
        }
        unsafe table.insert(field)
    }

    /// Begins anew with a table whose entries are not those that are sent any more.
    private mutating func renewIfUnused() {
        guard outstanding.isEmpty, knownReceived == table.insertCount else { return }
        // RFC 9204 §4.3.1: all is evicted.
        setCapacity(0)
        setCapacity(capacity)
        table.renew()
        misses = 0
    }

    // MARK: The two streams

    private mutating func setCapacity(_ byteCount: Int) {
        unsafe append(FieldLine.integerBytes) { unsafe FieldLine.write(byteCount, prefix: 5, pattern: 0x20, to: $0) }
    }

    private mutating func append(_ room: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        let instruction = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            if let start = buffer.baseAddress { count = unsafe write(start) }
        }
        instructions += instruction
    }

    /// Whether something waits for the encoder stream.
    var hasInstructions: Bool { !instructions.isEmpty }

    /// Takes what waits for the encoder stream.
    mutating func takeInstructions() -> Bytes { Bytes(exchange(&instructions, with: [])) }

    /// What came on the peer's decoder stream.
    mutating func receive(decoderStream bytes: RawSpan) throws(HTTP3Error) {
        var offset = 0
        while let instruction = try reader.next(bytes, at: &offset) {
            switch instruction {
            case .sectionAcknowledged(let stream):
                guard outstanding.acknowledge(stream) else {
                    throw HTTP3Error(.qpackDecoderStreamError, "a section was acknowledged that was not sent")
                }
            case .streamCancelled(let stream): outstanding.cancel(stream)
            case .insertsReceived(let count):
                guard count > 0, count <= table.insertCount - knownReceived else {
                    throw HTTP3Error(.qpackDecoderStreamError, "insertions were acknowledged that were not made")
                }
                knownReceived += count
            }
        }
    }
}
