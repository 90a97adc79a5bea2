/// Encodes header blocks (RFC 7541). One per connection: blocks share the dynamic table.
///
/// Only prepared fields enter the table, and they remember where; nothing is ever searched.
package struct HPACKEncoder: ~Copyable {
    private var table: DynamicTable<PreparedField>

    /// The most this side wants to keep, whatever the peer allows.
    private let ownLimit: Int

    /// The smallest limit since the last block, if the limit has changed: it must be told (RFC 7541 §4.2).
    private var pendingMinimum: Int?

    private var blocks = EncodedBlocks()

    package init(ownLimit: Int) {
        self.ownLimit = ownLimit
        // 4096 is what a peer allows that has not said otherwise.
        table = DynamicTable(maxBytes: min(ownLimit, 4096))
        if ownLimit < 4096 { pendingMinimum = ownLimit }
    }

    /// Applies the peer's SETTINGS_HEADER_TABLE_SIZE.
    mutating func setPeerLimit(_ limit: Int) {
        let size = min(limit, ownLimit)
        guard size != table.maxBytes || pendingMinimum != nil else { return }
        pendingMinimum = min(pendingMinimum ?? size, size)
        table.resize(maxBytes: size)
        blocks = EncodedBlocks()
    }

    /// Appends the block of these fields, in this order.
    package mutating func encode(_ prepared: [PreparedField], _ extra: [HeaderPair], into output: inout OutputQueue) {
        if let minimum = pendingMinimum {
            if minimum < table.maxBytes { output.appendInteger(minimum, prefixBits: 5, flags: 0x20) }
            output.appendInteger(table.maxBytes, prefixBits: 5, flags: 0x20)
            pendingMinimum = nil
        }
        if !blocks.append(prepared, insertions: table.insertions, to: &output) {
            let start = output.endOffset
            let before = table.insertions
            let fields = prepared.span
            for position in fields.indices { encode(fields[position], into: &output) }
            if table.insertions == before, let bytes = output.bytes(from: start) {
                blocks.insert(prepared, insertions: before, bytes)
            }
        }
        for pair in extra { encode(pair, into: &output) }
    }

    private mutating func encode(_ field: PreparedField, into output: inout OutputQueue) {
        if field.staticIndex != 0 {
            output.append(0x80 | UInt8(truncatingIfNeeded: field.staticIndex))
            return
        }
        switch field.indexing {
        case .indexed:
            // The entry is compared, so a field of another engine, or one evicted, is never mistaken.
            let age = table.insertions - 1 - field.insertion
            if field.insertion >= 0, table[age] === field {
                output.appendInteger(StaticTable.count + 1 + age, prefixBits: 7, flags: 0x80)
                return
            }
            // One that would take most of the table would only push the others out.
            guard field.tableBytes <= table.maxBytes / 2 else {
                output.appendInteger(field.nameIndex, prefixBits: 4, flags: 0)
                break
            }
            output.appendInteger(field.nameIndex, prefixBits: 6, flags: 0x40)
            table.insert(field)
            field.insertion = table.insertions - 1
        case .notIndexed:
            output.appendInteger(field.nameIndex, prefixBits: 4, flags: 0)
        case .neverIndexed:
            output.appendInteger(field.nameIndex, prefixBits: 4, flags: 0x10)
        }
        output.append(field.literals)
    }

    private func encode(_ pair: HeaderPair, into output: inout OutputQueue) {
        var name = pair.name
        let index = name.withUTF8 { unsafe KnownNames.shared.match(RawSpan(_unsafeElements: $0)).staticIndex }
        output.appendInteger(index, prefixBits: 4, flags: pair.isSensitive ? 0x10 : 0)
        if index == 0 { output.appendString(pair.name) }
        output.appendString(pair.value)
    }
}
