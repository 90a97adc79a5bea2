/// The slots of ``StreamTable``, in memory of their own: a field is read and written where it stands.
///
/// Through an array, to read a field of a slot copies the slot, and to write one asks each time whether the array is shared.
@safe
struct StreamSlots: ~Copyable {
    private(set) var count = 0
    private var capacity = 0
    // Owned; the first `count` are initialized. Nil until the first slot.
    private var slots: UnsafeMutablePointer<StreamState>?

    var indices: Range<Int> { 0..<count }

    deinit {
        guard let slots = unsafe slots else { return }
        unsafe slots.deinitialize(count: count)
        unsafe slots.deallocate()
    }

    /// - Precondition: `slot` is within `0..<count`.
    subscript(slot: Int) -> StreamState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(address(of: slot)) }
        @inline(__always) unsafeMutableAddress { unsafe address(of: slot) }
    }

    @inline(__always)
    private func address(of slot: Int) -> UnsafeMutablePointer<StreamState> {
        precondition(slot >= 0 && slot < count, "no such slot")
        guard let slots = unsafe slots else { preconditionFailure("no slots") }
        return unsafe slots + slot
    }

    /// Adds a free slot behind the others.
    mutating func append() {
        if count == capacity { grow() }
        unsafe slots?.advanced(by: count).initialize(to: StreamState())
        count += 1
    }

    private mutating func grow() {
        let larger = max(capacity * 2, 4)
        let moved = UnsafeMutablePointer<StreamState>.allocate(capacity: larger)
        if let slots = unsafe slots {
            unsafe moved.moveInitialize(from: slots, count: count)
            unsafe slots.deallocate()
        }
        unsafe slots = moved
        capacity = larger
    }
}
