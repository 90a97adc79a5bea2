/// The streams of a connection by their IDs: a hash table with open addressing.
///
/// Every stream is entered once and removed once, which cost a dictionary more than all else that is done to keep it.
/// IDs are not the peer's choice (RFC 9000 §2.1: they are used in order), so the hash needs no secret.
@safe
final class StreamTable {
    // Sound: all `capacity` places are initialized; `capacity` is 0 or a power of two, and one place at least is free.
    private var places: UnsafeMutablePointer<QUICStream?>?
    private var capacity = 0
    private(set) var count = 0

    deinit { removeAll() }

    var isEmpty: Bool { count == 0 }

    /// All streams, in no order.
    var all: [QUICStream] {
        guard let places = unsafe places else { return [] }
        return (0..<capacity).compactMap { unsafe places[$0] }
    }

    subscript(id: Int64) -> QUICStream? {
        guard let place = place(of: id) else { return nil }
        return unsafe places?[place]
    }

    /// Enters a stream whose ID is not there yet.
    func insert(_ stream: QUICStream) {
        if count * 4 >= capacity * 3 { resize(to: max(capacity * 2, 8)) }
        guard let places = unsafe places else { return }
        unsafe places[freePlace(for: stream.id, in: places)] = stream
        count += 1
    }

    /// Removes the stream, and hands over what was kept of it; nil when it is not there.
    func remove(_ id: Int64) -> QUICStream? {
        guard let places = unsafe places, var free = place(of: id) else { return nil }
        let removed = unsafe places[free].take()
        count -= 1
        // What was pushed along by the removed one moves up.
        var next = (free + 1) & (capacity - 1)
        while let stream = unsafe places[next] {
            let home = home(of: stream.id)
            if (next &- home) & (capacity - 1) >= (next &- free) & (capacity - 1) {
                unsafe places[free] = stream
                unsafe places[next] = nil
                free = next
            }
            next = (next + 1) & (capacity - 1)
        }
        return removed
    }

    func removeAll() {
        guard let old = unsafe places else { return }
        let oldCapacity = capacity
        unsafe places = nil
        capacity = 0
        count = 0
        unsafe old.deinitialize(count: oldCapacity)
        unsafe old.deallocate()
    }

    private func home(of id: Int64) -> Int {
        // Fibonacci hashing: the upper bits of the product depend on all of the ID.
        Int(truncatingIfNeeded: (UInt64(bitPattern: id) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (capacity - 1)
    }

    private func place(of id: Int64) -> Int? {
        guard let places = unsafe places else { return nil }
        var place = home(of: id)
        while let stream = unsafe places[place] {
            if stream.id == id { return place }
            place = (place + 1) & (capacity - 1)
        }
        return nil
    }

    private func freePlace(for id: Int64, in places: UnsafeMutablePointer<QUICStream?>) -> Int {
        var place = home(of: id)
        while unsafe places[place] != nil { place = (place + 1) & (capacity - 1) }
        return place
    }

    private func resize(to larger: Int) {
        let streams = all
        removeAll()
        let room = UnsafeMutablePointer<QUICStream?>.allocate(capacity: larger)
        unsafe room.initialize(repeating: nil, count: larger)
        unsafe places = room
        capacity = larger
        for stream in streams {
            unsafe room[freePlace(for: stream.id, in: room)] = stream
        }
        count = streams.count
    }
}
