/// The dynamic table as the encoder knows it (RFC 9204 §3.2).
///
/// Nothing is evicted while it may be referred to: the table fills, and is then used as it is until it is renewed as a
/// whole.
@safe
struct EncoderTable: ~Copyable {
    /// How many entries are kept track of, whatever room the peer offers.
    static let maximumEntries = 128
    /// At most half of them are taken, and one at least is free.
    private static let places = 256
    private static let textBytes = 4096

    // Owned, and made with the first entry: places by hash, 0 or the number of an entry and one; the entries; their text.
    private var storage: (places: UnsafeMutablePointer<UInt8>, entries: UnsafeMutablePointer<FieldText>)?
    private var text: UnsafeMutablePointer<UInt8>?
    private var usedText = 0

    private(set) var count = 0
    /// As RFC 9204 §3.2.1 counts it.
    private(set) var usedBytes = 0
    /// How many entries there have been before the first of these.
    private(set) var firstIndex = 0

    /// As RFC 9204 §3.2.4 counts them, from the first that was ever inserted.
    var insertCount: Int { firstIndex + count }

    deinit {
        unsafe text?.deallocate()
        guard let storage = unsafe storage else { return }
        unsafe storage.places.deallocate()
        unsafe storage.entries.deallocate()
    }

    /// The entry that is this field, counted from the first that was ever inserted.
    func index(of field: FieldText) -> Int? {
        guard let storage = unsafe storage else { return nil }
        var place = unsafe Self.place(field.hash)
        while unsafe storage.places[place] != 0 {
            let number = unsafe Int(storage.places[place]) &- 1
            if unsafe storage.entries[number] == field { return firstIndex &+ number }
            place = (place &+ 1) & (Self.places &- 1)
        }
        return nil
    }

    /// Whether there is room for one more field.
    func hasRoom(for field: FieldText, capacity: Int) -> Bool {
        unsafe count < Self.maximumEntries && usedBytes + field.entryBytes <= capacity
            && usedText + field.byteCount <= Self.textBytes
    }

    /// Inserts a field that is not there, and for which there is room.
    mutating func insert(_ field: FieldText) {
        let (places, entries, text) = unsafe allocated()
        unsafe (entries + count).initialize(to: FieldText(field, copiedTo: text + usedText))
        count += 1
        unsafe usedText += field.byteCount
        unsafe usedBytes += field.entryBytes
        var place = unsafe Self.place(field.hash)
        while unsafe places[place] != 0 { place = (place + 1) & (Self.places - 1) }
        unsafe places[place] = UInt8(truncatingIfNeeded: count)
    }

    /// Empties it: the peer evicts everything.
    mutating func renew() {
        firstIndex += count
        (count, usedBytes, usedText) = (0, 0, 0)
        unsafe storage?.places.update(repeating: 0, count: Self.places)
    }

    private static func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 56) }

    private mutating func allocated() -> (
        places: UnsafeMutablePointer<UInt8>, entries: UnsafeMutablePointer<FieldText>, text: UnsafeMutablePointer<UInt8>
    ) {
        if let storage = unsafe storage, let text = unsafe text {
            return unsafe (storage.places, storage.entries, text)
        }
        let places = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.places)
        unsafe places.initialize(repeating: 0, count: Self.places)
        let entries = UnsafeMutablePointer<FieldText>.allocate(capacity: Self.maximumEntries)
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.textBytes)
        unsafe storage = unsafe (places, entries)
        unsafe self.text = text
        return unsafe (places, entries, text)
    }
}
