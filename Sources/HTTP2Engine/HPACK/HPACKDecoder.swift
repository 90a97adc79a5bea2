/// Why a header block cannot be decoded; the connection is lost with it (RFC 9113 §4.3).
package enum HPACKFault: Error {
    case truncated
    case integerTooLarge
    case indexOutOfRange
    case invalidHuffmanCode
    case invalidTableSizeUpdate
}

/// Decodes header blocks (RFC 7541). One per connection: blocks share the dynamic table.
package struct HPACKDecoder: ~Copyable {
    private var table: DynamicTable<HeaderField>

    /// This connection's objects for entries of the static table, made when first met.
    private var staticFields: [HeaderField?] = []

    /// The largest size the peer may choose for the table.
    private(set) var tableLimit: Int

    /// The limit was lowered below the table's size: the next block must begin with an update.
    private var needsSizeUpdate = false

    private var scratch: [UInt8] = []
    private let huffman = HuffmanCode.shared
    private let names = KnownNames.shared

    package init(tableLimit: Int) {
        self.tableLimit = tableLimit
        table = DynamicTable(maxBytes: 4096)
    }

    /// Sets the limit that the peer has acknowledged.
    mutating func setTableLimit(_ limit: Int) {
        tableLimit = limit
        needsSizeUpdate = table.maxBytes > limit
    }

    /// Appends the fields of `block` to `fields`.
    ///
    /// - Returns: false when the list is larger than `maxListBytes`: some fields are then missing, while the
    ///   dynamic table is as it must be.
    package mutating func decode(
        _ block: RawSpan, maxListBytes: Int, into fields: inout [HeaderField]
    ) throws(HPACKFault) -> Bool {
        var at = 0
        var listBytes = 0
        var mayUpdateSize = true
        let end = block.byteCount
        while at < end {
            let first = block.byte(at)
            if first & 0x80 != 0 {
                if needsSizeUpdate { throw .invalidTableSizeUpdate }
                mayUpdateSize = false
                // Nearly all indices fit the prefix.
                let index: Int
                if first < 0xff {
                    index = Int(first & 0x7f)
                    at += 1
                } else {
                    index = try Self.integer(block, &at, prefixBits: 7)
                }
                let field = try field(at: index)
                listBytes += field.tableBytes
                if listBytes <= maxListBytes { fields.append(consume field) }
            } else if first & 0xe0 == 0x20 {
                guard mayUpdateSize else { throw .invalidTableSizeUpdate }
                let size = try Self.integer(block, &at, prefixBits: 5)
                guard size <= tableLimit else { throw .invalidTableSizeUpdate }
                table.resize(maxBytes: size)
                needsSizeUpdate = false
            } else {
                if needsSizeUpdate { throw .invalidTableSizeUpdate }
                mayUpdateSize = false
                let isIndexed = first & 0x40 != 0
                let nameIndex = try Self.integer(block, &at, prefixBits: isIndexed ? 6 : 4)
                let isSensitive = !isIndexed && first & 0x10 != 0
                let field = try literal(block, &at, nameIndex: nameIndex, isSensitive: isSensitive)
                listBytes += field.tableBytes
                if isIndexed { table.insert(field) }
                if listBytes <= maxListBytes { fields.append(consume field) }
            }
        }
        if scratch.capacity > 4096 { scratch = [] }
        return listBytes <= maxListBytes
    }

    // MARK: Representations

    private mutating func field(at index: Int) throws(HPACKFault) -> HeaderField {
        if index > StaticTable.count {
            guard let field = table[index - StaticTable.count - 1] else { throw .indexOutOfRange }
            return field
        }
        guard index > 0 else { throw .indexOutOfRange }
        if staticFields.isEmpty { staticFields = Array(repeating: nil, count: StaticTable.count + 1) }
        if let field = staticFields[index] { return field }
        let entry = StaticTable.entries[index - 1]
        var name = entry.name
        let known = name.withUTF8 { unsafe names.match(RawSpan(_unsafeElements: $0)).known }
        let field = HeaderField(
            name: entry.name, nameBytes: entry.name.utf8.count, isNameWellFormed: true, known: known,
            value: entry.value, valueBytes: entry.value.utf8.count, isValueWellFormed: true, isSensitive: false
        )
        staticFields[index] = field
        return field
    }

    private mutating func literal(
        _ block: RawSpan, _ at: inout Int, nameIndex: Int, isSensitive: Bool
    ) throws(HPACKFault) -> HeaderField {
        let name: String
        let nameBytes: Int
        let isNameWellFormed: Bool
        let known: KnownHeader
        if nameIndex > 0 {
            let source = try field(at: nameIndex)
            name = source.name
            nameBytes = source.nameBytes
            isNameWellFormed = source.isNameWellFormed
            known = source.known
        } else {
            let string = try self.string(block, &at)
            nameBytes = string.range.count
            if string.isHuffman {
                let bytes = unsafe scratch.span.bytes
                name = bytes.text
                isNameWellFormed = FieldSyntax.isName(bytes)
                known = names.match(bytes).known
            } else {
                let bytes = block.extracting(string.range)
                name = bytes.text
                isNameWellFormed = FieldSyntax.isName(bytes)
                known = names.match(bytes).known
            }
        }
        let string = try self.string(block, &at)
        let value: String
        let isValueWellFormed: Bool
        if string.isHuffman {
            let bytes = unsafe scratch.span.bytes
            value = bytes.text
            isValueWellFormed = FieldSyntax.isValue(bytes)
        } else {
            let bytes = block.extracting(string.range)
            value = bytes.text
            isValueWellFormed = FieldSyntax.isValue(bytes)
        }
        return HeaderField(
            name: name, nameBytes: nameBytes, isNameWellFormed: isNameWellFormed, known: known,
            value: value, valueBytes: string.range.count, isValueWellFormed: isValueWellFormed,
            isSensitive: isSensitive
        )
    }

    // MARK: Primitives

    /// Reads a string literal; the range is one of `block`, or of `scratch` when it was Huffman-coded.
    private mutating func string(
        _ block: RawSpan, _ at: inout Int
    ) throws(HPACKFault) -> (range: Range<Int>, isHuffman: Bool) {
        guard at < block.byteCount else { throw .truncated }
        let isHuffman = block.byte(at) & 0x80 != 0
        let count = try Self.integer(block, &at, prefixBits: 7)
        guard count <= block.byteCount - at else { throw .truncated }
        let range = at..<at + count
        at += count
        guard isHuffman else { return (range, false) }
        scratch.removeAll(keepingCapacity: true)
        guard huffman.decode(block.extracting(range), into: &scratch) else { throw .invalidHuffmanCode }
        return (0..<scratch.count, true)
    }

    /// Reads an integer whose prefix is the low bits of the byte at `at`, which exists (RFC 7541 §5.1).
    static func integer(_ block: RawSpan, _ at: inout Int, prefixBits: Int) throws(HPACKFault) -> Int {
        let mask = (1 << prefixBits) - 1
        var value = Int(block.byte(at)) & mask
        at += 1
        if value < mask { return value }
        var shift = 0
        while at < block.byteCount {
            let byte = Int(block.byte(at))
            at += 1
            // At most 28 + 7 bits: no overflow.
            value += (byte & 0x7f) << shift
            if byte & 0x80 == 0 {
                guard value <= Int(Int32.max) else { throw .integerTooLarge }
                return value
            }
            shift += 7
            if shift > 28 { throw .integerTooLarge }
        }
        throw .truncated
    }
}
