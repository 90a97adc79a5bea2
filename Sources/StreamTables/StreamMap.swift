/// Values, mostly objects, by the identifier of their stream: a hash table with open addressing, linear probing and no tombstones.
///
/// Each call is entered once, looked up a few times and removed once, which costs a dictionary more than the rest of what
/// there is to do with it. Identifiers are used about in their order (RFC 9000 §2.1), and bounded by what was allowed, so the
/// hash needs no secret. Its storage is reached without checks of exclusive access: it is confined to its owner's loop.
@safe
public final class StreamMap<Value> {
    @usableFromInline
    struct Place {
        /// −1 marks a free place.
        @usableFromInline var id: Int64
        @usableFromInline var value: Value?

        @inlinable
        init(id: Int64, value: Value?) {
            self.id = id
            self.value = value
        }
    }

    // Sound: all `capacity` places are initialized; `capacity` is 0 or a power of two, and one place at least is free.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @exclusivity(unchecked) @usableFromInline var places: UnsafeMutablePointer<Place>?
    @safe @exclusivity(unchecked) @usableFromInline var capacity = 0
    @safe @exclusivity(unchecked) @usableFromInline var entered = 0

    @inlinable
    public init() {}

    @inlinable
    deinit {
        guard let places = unsafe places else { return }
        unsafe places.deinitialize(count: capacity)
        unsafe places.deallocate()
    }

    @inlinable public var count: Int { entered }
    @inlinable public var isEmpty: Bool { entered == 0 }

    /// All values, in the order of their identifiers.
    @inlinable public var all: [Value] {
        guard let places = unsafe places else { return [] }
        var entries: [Place] = []
        for index in 0..<capacity where unsafe places[index].id != -1 { unsafe entries.append(places[index]) }
        return entries.sorted { $0.id < $1.id }.compactMap(\.value)
    }

    @inlinable
    public subscript(id: Int64) -> Value? {
        guard let place = place(of: id) else { return nil }
        return unsafe places?[place].value
    }

    /// Enters a value; whoever has the identifier already gives way.
    ///
    /// - Parameter id: not negative.
    @inlinable
    public func insert(_ value: Value, for id: Int64) {
        if let place = place(of: id) {
            unsafe places?[place].value = value
            return
        }
        if entered &* 2 >= capacity { grow() }
        guard let places = unsafe places else { return }
        var place = home(of: id)
        while unsafe places[place].id != -1 { place = (place &+ 1) & (capacity &- 1) }
        unsafe places[place] = Place(id: id, value: value)
        entered &+= 1
    }

    /// Removes a value, and hands over what was kept of it; nil when it is not there.
    @inlinable @discardableResult
    public func remove(_ id: Int64) -> Value? {
        guard let places = unsafe places, var hole = place(of: id) else { return nil }
        let removed = unsafe places[hole].value.take()
        entered &-= 1
        // What was pushed along by the removed one moves up.
        var next = (hole &+ 1) & (capacity &- 1)
        while unsafe places[next].id != -1 {
            let home = unsafe home(of: places[next].id)
            if (next &- home) & (capacity &- 1) >= (next &- hole) & (capacity &- 1) {
                unsafe (places + hole).moveUpdate(from: places + next, count: 1)
                unsafe (places + next).initialize(to: Place(id: -1, value: nil))
                hole = next
            }
            next = (next &+ 1) & (capacity &- 1)
        }
        unsafe places[hole].id = -1
        return removed
    }

    /// Removes and answers with all values, in the order of their identifiers.
    @inlinable @discardableResult
    public func removeAll() -> [Value] {
        let values = all
        if let places = unsafe places {
            unsafe places.deinitialize(count: capacity)
            unsafe places.deallocate()
        }
        unsafe places = nil
        capacity = 0
        entered = 0
        return values
    }

    @inlinable
    func home(of id: Int64) -> Int {
        // Fibonacci hashing: the upper bits of the product depend on all of the identifier, and identifiers that follow one
        // another do not stand side by side, or every removal would move a long run.
        Int(truncatingIfNeeded: (UInt64(bitPattern: id) &* 0x9e37_79b9_7f4a_7c15) >> 32) & (capacity &- 1)
    }

    @inlinable
    func place(of id: Int64) -> Int? {
        guard let places = unsafe places, id >= 0 else { return nil }
        var place = home(of: id)
        while unsafe places[place].id != -1 {
            if unsafe places[place].id == id { return place }
            place = (place &+ 1) & (capacity &- 1)
        }
        return nil
    }

    @inlinable
    func grow() {
        let (old, oldCapacity) = unsafe (places, capacity)
        let larger = max(oldCapacity &* 2, 8)
        let room = UnsafeMutablePointer<Place>.allocate(capacity: larger)
        unsafe room.initialize(repeating: Place(id: -1, value: nil), count: larger)
        unsafe places = unsafe room
        capacity = larger
        guard let old = unsafe old else { return }
        for index in 0..<oldCapacity {
            let id = unsafe old[index].id
            guard id != -1 else { continue }
            var place = home(of: id)
            while unsafe room[place].id != -1 { place = (place &+ 1) & (capacity &- 1) }
            unsafe (room + place).moveUpdate(from: old + index, count: 1)
            unsafe (old + index).initialize(to: Place(id: -1, value: nil))
        }
        unsafe old.deinitialize(count: oldCapacity)
        unsafe old.deallocate()
    }
}
