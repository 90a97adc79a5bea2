/// What an HPACK dynamic table can hold.
protocol TableEntry: AnyObject {
    /// The entry's size by RFC 7541 §4.1.
    var tableBytes: Int { get }
}

/// An HPACK dynamic table (RFC 7541 §2.3.2, §4): a ring whose newest entry has age 0.
struct DynamicTable<Entry: TableEntry>: ~Copyable {
    private var ring: [Entry?] = []
    private var newest = 0

    /// How many entries there are.
    private(set) var count = 0

    /// The sum of the entries' sizes.
    private(set) var bytes = 0

    /// The most `bytes` may be.
    private(set) var maxBytes: Int

    /// How many entries have ever been inserted; the newest one's number is one less.
    private(set) var insertions = 0

    init(maxBytes: Int) { self.maxBytes = maxBytes }

    /// The entry of that age, or nil when there is none.
    subscript(age: Int) -> Entry? {
        guard age >= 0 && age < count else { return nil }
        return ring[(newest &- age) & (ring.count - 1)]
    }

    /// Adds `entry`, evicting the oldest; one larger than the table empties it and is not kept.
    mutating func insert(_ entry: Entry) {
        let size = entry.tableBytes
        while count > 0 && size > maxBytes - bytes { evict() }
        guard size <= maxBytes else { return }
        if count == ring.count { grow() }
        newest = (newest &+ 1) & (ring.count - 1)
        ring[newest] = entry
        count += 1
        bytes += size
        insertions += 1
    }

    /// Sets the largest size, evicting what no longer fits.
    mutating func resize(maxBytes: Int) {
        self.maxBytes = maxBytes
        while bytes > maxBytes { evict() }
    }

    private mutating func evict() {
        let position = (newest &- (count - 1)) & (ring.count - 1)
        bytes -= ring[position]?.tableBytes ?? 0
        ring[position] = nil
        count -= 1
    }

    private mutating func grow() {
        var larger = [Entry?](repeating: nil, count: max(8, ring.count * 2))
        for age in 0..<count { larger[count - 1 - age] = self[age] }
        ring = larger
        newest = count - 1
    }
}
