/// Finds a stream's slot by its identifier: open addressing, linear probing, no tombstones.
///
/// It holds open streams only, whose number is bounded, so the longest probe is too.
struct StreamIndex: ~Copyable {
    private struct Entry {
        /// 0 marks a free place; no stream has that identifier.
        var id: UInt32 = 0
        var slot: Int32 = 0
    }

    private var entries = [Entry](repeating: Entry(), count: 16)
    private(set) var count = 0

    /// The slot of the open stream `id`, or nil.
    func slot(of id: UInt32) -> Int? {
        let mask = entries.count - 1
        var place = Self.hash(id) & mask
        while entries[place].id != 0 {
            if entries[place].id == id { return Int(entries[place].slot) }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Adds a stream that is not in the index.
    mutating func insert(_ id: UInt32, slot: Int) {
        if count * 2 >= entries.count { grow() }
        place(Entry(id: id, slot: Int32(truncatingIfNeeded: slot)))
        count += 1
    }

    mutating func remove(_ id: UInt32) {
        let mask = entries.count - 1
        var hole = Self.hash(id) & mask
        while entries[hole].id != id {
            if entries[hole].id == 0 { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        // Move back what probed past the hole.
        var next = (hole + 1) & mask
        while entries[next].id != 0 {
            let home = Self.hash(entries[next].id) & mask
            if (next &- home) & mask >= (next &- hole) & mask {
                entries[hole] = entries[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        entries[hole] = Entry()
    }

    private mutating func place(_ entry: Entry) {
        let mask = entries.count - 1
        var place = Self.hash(entry.id) & mask
        while entries[place].id != 0 { place = (place + 1) & mask }
        entries[place] = entry
    }

    private mutating func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: old.count * 2)
        for entry in old where entry.id != 0 { place(entry) }
    }

    /// Fibonacci hashing: consecutive identifiers must not lie side by side, or every removal would move a long run.
    private static func hash(_ id: UInt32) -> Int { Int((id &* 0x9e37_79b1) >> 12) }
}
