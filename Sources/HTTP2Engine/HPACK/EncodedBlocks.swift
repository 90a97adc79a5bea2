/// The encoded form of the last few arrays of prepared fields, while the dynamic table stays as it is.
///
/// Most blocks of a connection are the same few arrays again, all of it indices: those are copied.
struct EncodedBlocks: ~Copyable {
    /// Up to 16 encoded bytes.
    struct Bytes {
        var storage = SIMD16<UInt8>()
        var count: Int
    }

    private struct Entry {
        /// Kept, so that no other array can come to have the same address.
        var fields: [PreparedField]
        /// How many entries the table had ever had; another number makes the block void.
        var insertions: Int
        var bytes: Bytes
    }

    private static let capacity = 4
    private var entries: [Entry] = []
    private var next = 0

    /// Appends the block of `fields` to `output` if it is known; false when it is not.
    func append(_ fields: [PreparedField], insertions: Int, to output: inout OutputQueue) -> Bool {
        let address = unsafe Self.address(fields)
        let entries = entries.span
        for position in entries.indices {
            guard entries[position].insertions == insertions else { continue }
            guard unsafe Self.address(entries[position].fields) == address else { continue }
            output.append(entries[position].bytes)
            return true
        }
        return false
    }

    /// Remembers the block of `fields`, which has not changed the table.
    mutating func insert(_ fields: [PreparedField], insertions: Int, _ bytes: Bytes) {
        guard !fields.isEmpty else { return }
        let entry = Entry(fields: fields, insertions: insertions, bytes: bytes)
        if entries.count < Self.capacity {
            entries.append(entry)
        } else {
            entries[next] = entry
            next = (next + 1) % Self.capacity
        }
    }

    /// Where the array's elements are: arrays with the same address are the same array.
    private static func address(_ fields: [PreparedField]) -> UnsafePointer<PreparedField>? {
        unsafe fields.withUnsafeBufferPointer { $0.baseAddress }
    }
}
