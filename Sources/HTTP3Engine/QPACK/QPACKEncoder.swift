internal import NodeTransport

/// A QPACK encoder (RFC 9204) that makes hardly any stream wait: it refers to those entries of the dynamic table only that the
/// peer is known to have, and sends literals until then. Where the peer does not say what it has but by acknowledging
/// sections, one section at a time refers to what was sent.
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

    /// So many fields that found no room in a full table make it old, when fewer were found there meanwhile.
    private static let missesOfAnOldTable = 512
    /// After so many sections without a word of what the peer has, one refers to what it should have.
    private static let sectionsWithoutWord = 16
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
    private var (hits, misses) = (0, 0)

    // Where the peer sends no Insert Count Increment (RFC 9204 §4.4.3).
    private var allowsBlocking = false
    private var countsInsertions = false
    private var sectionsSinceWord = 0
    /// A section that may have to wait for the encoder stream, and how many insertions its acknowledgement stands for.
    private var probe: (stream: Int64, required: Int)?

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
    mutating func setPeerLimits(tableBytes offered: UInt64, blockedStreams: UInt64) {
        allowsBlocking = blockedStreams > 0
        capacity = min(tableBytes, Int(clamping: offered))
        peerMaximumEntries = Int(clamping: offered / 32)
    }

    // MARK: Sections

    /// Encodes a section. What the encoder stream has to say is in ``takeInstructions()``.
    ///
    /// - Parameter isCancelled: the peer has said that it will not decode the stream's sections.
    mutating func encode(
        stream: Int64, isCancelled: Bool, _ prepared: [PreparedField], _ extra: [HeaderPair]
    ) -> Encoded {
        if misses >= Self.missesOfAnOldTable { renewIfOld() }
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

        // A cancelled stream's sections are never acknowledged.
        let usesTable =
            capacity > 0 && !isCancelled && !outstanding.isFull && misses < Self.missesOfAnOldTable
        let base = usesTable && probes(stream) ? table.insertCount : knownReceived
        var required = 0
        for position in fields.indices {
            if usesTable, fields[position].isWorthIndexing,
                let index = unsafe found(fields[position].text, before: base, isPrepared: true)
            {
                required = max(required, index &+ 1)
                unsafe line += Self.writeReference(base &- 1 &- index, at: line)
            } else {
                let byteCount = fields[position].lineBytes
                unsafe line.update(from: fields[position].line, count: byteCount)
                unsafe line += byteCount
            }
        }
        for field in extra {
            let bytes = unsafe FieldText(field.name, field.value, writtenTo: text)
            unsafe text += bytes.byteCount
            let match = StaticTable.match(name: field.name, value: field.value)
            if usesTable, !field.isSensitive, match?.isExact != true,
                let index = unsafe found(bytes, before: base, isPrepared: false)
            {
                required = max(required, index + 1)
                unsafe line += Self.writeReference(base - 1 - index, at: line)
            } else {
                unsafe line += FieldLine.write(bytes, match, isSensitive: field.isSensitive, to: line)
            }
        }
        if required > 0 { outstanding.append(stream) }
        if required > knownReceived {
            probe = (stream, required)
            sectionsSinceWord = 0
        }
        let start = unsafe writePrefix(required: required, base: base, before: output + Self.prefixBytes)
        return unsafe Encoded(count: line - start, start: start)
    }

    /// Whether the section refers to all that was inserted, known to be there or not.
    private mutating func probes(_ stream: Int64) -> Bool {
        guard knownReceived < table.insertCount, !countsInsertions, allowsBlocking, probe == nil else { return false }
        sectionsSinceWord += 1
        // Its acknowledgement has to be the stream's first.
        return sectionsSinceWord > Self.sectionsWithoutWord && !outstanding.has(stream)
    }

    /// The prefix goes right before the lines (RFC 9204 §4.5.1).
    private func writePrefix(
        required: Int, base: Int, before lines: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        guard required > 0 else {
            unsafe lines[-1] = 0
            unsafe lines[-2] = 0
            return unsafe lines - 2
        }
        let start = unsafe lines - Self.prefixBytes
        let encoded = required % (2 * peerMaximumEntries) + 1
        var count = unsafe FieldLine.write(encoded, prefix: 8, pattern: 0, to: start)
        unsafe count += FieldLine.write(base - required, prefix: 7, pattern: 0, to: start + count)
        unsafe (lines - count).update(from: start, count: count)
        return unsafe lines - count
    }

    /// RFC 9204 §4.5.2.
    private static func writeReference(_ relativeIndex: Int, at line: UnsafeMutablePointer<UInt8>) -> Int {
        unsafe FieldLine.write(relativeIndex, prefix: 6, pattern: 0x80, to: line)
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

    /// The entry that is this field, if it is before `base`. One that is not there may become an entry.
    private mutating func found(_ field: FieldText, before base: Int, isPrepared: Bool) -> Int? {
        if let index = unsafe table.index(of: field) {
            hits &+= 1
            return index < base ? index : nil
        }
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

    /// Begins anew with a table whose entries are not those that are sent any more, when nothing refers to it.
    private mutating func renewIfOld() {
        // Of a peer that counts no insertions it is never known that it has them all, as it has to (RFC 9204 §2.1.1).
        guard misses > hits, table.count > 0, countsInsertions else {
            (hits, misses) = (0, 0)
            return
        }
        guard outstanding.isEmpty, knownReceived == table.insertCount else { return }
        // RFC 9204 §4.3.1: all is evicted.
        setCapacity(0)
        setCapacity(capacity)
        table.renew()
        (hits, misses) = (0, 0)
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

    /// What came on the peer's decoder stream; answers which streams' sections it will not decode.
    mutating func receive(decoderStream bytes: RawSpan) throws(HTTP3Error) -> [Int64] {
        var offset = 0
        var cancelled: [Int64] = []
        while let instruction = try reader.next(bytes, at: &offset) {
            switch instruction {
            case .sectionAcknowledged(let stream):
                guard outstanding.acknowledge(stream) else {
                    throw HTTP3Error(.qpackDecoderStreamError, "a section was acknowledged that was not sent")
                }
                guard let probe, probe.stream == stream else { continue }
                knownReceived = max(knownReceived, probe.required)
                self.probe = nil
            case .streamCancelled(let stream):
                outstanding.cancel(stream)
                if probe?.stream == stream { probe = nil }
                cancelled.append(stream)
            case .insertsReceived(let count):
                guard count > 0, count <= table.insertCount - knownReceived else {
                    throw HTTP3Error(.qpackDecoderStreamError, "insertions were acknowledged that were not made")
                }
                knownReceived += count
                countsInsertions = true
            }
        }
        return cancelled
    }
}
