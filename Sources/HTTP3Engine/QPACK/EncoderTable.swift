internal import CNGHTTP3

/// The dynamic table as the encoder knows it (RFC 9204 §3.2).
///
/// Nothing is evicted while it may be referred to: the table fills, and is then used as it is until it is renewed as a
/// whole. Its memory grows with what is in it, for most connections send a few fields.
@safe
struct EncoderTable: ~Copyable {
    /// How many entries are kept track of, whatever room the peer offers.
    private static let maximumEntries = 128
    /// At most half of them are taken.
    private static let placeCount = 256
    private static let maximumTextBytes = 4096

    private struct Entry {
        let hash: UInt64
        /// Where its name begins in the text; the value follows.
        let start: Int32
        let nameBytes: Int32
        let valueBytes: Int32
    }

    // Owned, and made with the first entry: places by hash, 0 or the number of an entry and one; the entries; their text.
    private var places: UnsafeMutablePointer<UInt8>?
    private var entries: UnsafeMutablePointer<Entry>?
    private var text: UnsafeMutablePointer<UInt8>?
    private var entryCapacity = 0
    private var textCapacity = 0
    private var textBytes = 0

    private(set) var count = 0
    /// As RFC 9204 §3.2.1 counts it.
    private var usedBytes = 0
    /// How many entries there have been before the first of these.
    private var firstIndex = 0

    /// As RFC 9204 §3.2.4 counts them, from the first that was ever inserted.
    var insertCount: Int { firstIndex + count }

    deinit {
        unsafe places?.deallocate()
        unsafe entries?.deallocate()
        unsafe text?.deallocate()
    }

    /// The entry that is this field, counted from the first that was ever inserted.
    func index(of field: FieldText) -> Int? {
        guard let places = unsafe places, let entries = unsafe entries, let text = unsafe text else { return nil }
        var place = unsafe Self.place(field.hash)
        while unsafe places[place] != 0 {
            let number = unsafe Int(places[place]) &- 1
            let entry = unsafe entries[number]
            if unsafe entry.hash == field.hash, unsafe Int(entry.nameBytes) == field.nameBytes,
                unsafe Int(entry.valueBytes) == field.valueBytes,
                unsafe cnghttp3_equal(text + Int(entry.start), field.start, field.byteCount)
            {
                return firstIndex &+ number
            }
            place = (place &+ 1) & (Self.placeCount &- 1)
        }
        return nil
    }

    /// Whether there is room for one more field.
    func hasRoom(for field: FieldText, capacity: Int) -> Bool {
        unsafe count < Self.maximumEntries && usedBytes + field.entryBytes <= capacity
            && textBytes + field.byteCount <= Self.maximumTextBytes
    }

    /// Inserts a field that is not there, and for which there is room.
    mutating func insert(_ field: FieldText) {
        let places = unsafe madePlaces()
        let entries = unsafe roomForEntry()
        let text = unsafe room(forText: field.byteCount)
        unsafe (text + textBytes).update(from: field.start, count: field.byteCount)
        unsafe (entries + count).initialize(
            to: Entry(
                hash: field.hash, start: Int32(truncatingIfNeeded: textBytes),
                nameBytes: Int32(truncatingIfNeeded: field.nameBytes),
                valueBytes: Int32(truncatingIfNeeded: field.valueBytes)))
        count += 1
        unsafe textBytes += field.byteCount
        unsafe usedBytes += field.entryBytes
        var place = unsafe Self.place(field.hash)
        while unsafe places[place] != 0 { place = (place + 1) & (Self.placeCount - 1) }
        unsafe places[place] = UInt8(truncatingIfNeeded: count)
    }

    /// Empties it: the peer evicts everything.
    mutating func renew() {
        firstIndex += count
        (count, usedBytes, textBytes) = (0, 0, 0)
        unsafe places?.update(repeating: 0, count: Self.placeCount)
    }

    private static func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 56) }

    // MARK: Memory

    private mutating func madePlaces() -> UnsafeMutablePointer<UInt8> {
        if let places = unsafe places { return unsafe places }
        let made = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.placeCount)
        unsafe made.initialize(repeating: 0, count: Self.placeCount)
        unsafe places = unsafe made
        return unsafe made
    }

    private mutating func roomForEntry() -> UnsafeMutablePointer<Entry> {
        if let entries = unsafe entries, count < entryCapacity { return unsafe entries }
        let larger = max(entryCapacity * 2, 4)
        unsafe entries = unsafe Self.grown(entries, count, to: larger)
        entryCapacity = larger
        return unsafe roomForEntry()
    }

    private mutating func room(forText byteCount: Int) -> UnsafeMutablePointer<UInt8> {
        if let text = unsafe text, textBytes + byteCount <= textCapacity { return unsafe text }
        let larger = max(textCapacity * 2, 64, textBytes + byteCount)
        unsafe text = unsafe Self.grown(text, textBytes, to: larger)
        textCapacity = larger
        return unsafe room(forText: byteCount)
    }

    private static func grown<Element>(
        _ old: UnsafeMutablePointer<Element>?, _ count: Int, to capacity: Int
    ) -> UnsafeMutablePointer<Element> {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        if let old = unsafe old {
            unsafe larger.moveInitialize(from: old, count: count)
            unsafe old.deallocate()
        }
        return unsafe larger
    }
}
