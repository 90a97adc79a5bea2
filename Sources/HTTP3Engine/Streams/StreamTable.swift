/// The open request streams, found by their identifier: open addressing, linear probing, no tombstones.
struct StreamTable: ~Copyable {
    private struct Entry {
        /// −1 marks a free place.
        var id: Int64 = -1
        var slot: Int32 = 0
    }

    /// How many objects are kept for streams to come.
    private static let keptObjects = 64

    private var entries = [Entry](repeating: Entry(), count: 16)
    private var slots: [RequestStream?] = []
    private var freeSlots: [Int32] = []
    /// Objects of closed streams, whose slot is free.
    private var spare: [RequestStream] = []
    private(set) var count = 0

    /// The open stream `id`, or nil.
    func stream(_ id: Int64) -> RequestStream? {
        let mask = entries.count - 1
        var place = Self.hash(id) & mask
        while entries[place].id != -1 {
            if entries[place].id == id { return slots[Int(entries[place].slot)] }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Opens a stream that is not open.
    mutating func open(_ id: Int64) -> RequestStream {
        let stream: RequestStream
        if let kept = spare.popLast() {
            stream = kept
        } else if let slot = freeSlots.popLast() {
            stream = RequestStream(slot: Int(slot))
        } else {
            stream = RequestStream(slot: slots.count)
            slots.append(nil)
        }
        stream.id = id
        slots[stream.slot] = stream
        if count * 2 >= entries.count { grow() }
        place(Entry(id: id, slot: Int32(truncatingIfNeeded: stream.slot)))
        count += 1
        return stream
    }

    /// Closes an open stream.
    mutating func close(_ stream: RequestStream) {
        remove(stream.id)
        slots[stream.slot] = nil
        stream.reset()
        if spare.count < Self.keptObjects {
            spare.append(stream)
        } else {
            freeSlots.append(Int32(truncatingIfNeeded: stream.slot))
        }
    }

    /// Calls `body` with each open stream.
    func forEach(_ body: (RequestStream) -> Void) {
        for stream in slots { if let stream { body(stream) } }
    }

    private mutating func remove(_ id: Int64) {
        let mask = entries.count - 1
        var hole = Self.hash(id) & mask
        while entries[hole].id != id {
            if entries[hole].id == -1 { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        // Move back what probed past the hole.
        var next = (hole + 1) & mask
        while entries[next].id != -1 {
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
        while entries[place].id != -1 { place = (place + 1) & mask }
        entries[place] = entry
    }

    private mutating func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: old.count * 2)
        for entry in old where entry.id != -1 { place(entry) }
    }

    /// Fibonacci hashing: consecutive identifiers must not lie side by side, or every removal would move a long run.
    private static func hash(_ id: Int64) -> Int {
        Int(truncatingIfNeeded: (UInt64(bitPattern: id) &* 0x9e37_79b9_7f4a_7c15) >> 32)
    }
}
