/// The streams of one connection, by slot and by identifier, and the list of those ready to send.
struct StreamTable: ~Copyable {
    /// All slots, free ones included.
    var slots = StreamSlots()
    private var freeSlots: [Int32] = []
    private var index = StreamIndex()
    private var closing: [Int32] = []
    private var delivered: [Int32] = []
    private var firstReady: Int32 = -1
    private var lastReady: Int32 = -1

    /// How many streams are open.
    var openCount: Int { index.count }

    /// The slot of the open stream `id`, or nil.
    func slot(of id: UInt32) -> Int? { index.slot(of: id) }

    /// The slot of `handle` if that stream is still open.
    func slot(of handle: StreamHandle) -> Int? {
        guard handle.slot >= 0 && handle.slot < slots.count else { return nil }
        guard slots[handle.slot].id == handle.id, slots[handle.slot].phase == .open else { return nil }
        return handle.slot
    }

    func handle(of slot: Int) -> StreamHandle { StreamHandle(id: slots[slot].id, slot: slot) }

    /// Opens a stream in a free slot.
    mutating func open(_ id: UInt32, sendWindow: Int64, receiveWindow: Int64) -> Int {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = Int(free)
        } else {
            slot = slots.count
            slots.append()
        }
        slots[slot].open(id: id, sendWindow: sendWindow, receiveWindow: receiveWindow)
        index.insert(id, slot: slot)
        return slot
    }

    /// Takes an open stream out of the index; its `closed` event is due. Its send queue must be empty.
    mutating func close(_ slot: Int) {
        index.remove(slots[slot].id)
        slots[slot].phase = .closing
        slots[slot].ending = .none
        closing.append(Int32(truncatingIfNeeded: slot))
    }

    /// Appends the `closed` events that are due.
    @inline(__always)
    mutating func deliverClosed(into events: inout HTTP2Events) {
        if !closing.isEmpty { deliverClosing(into: &events) }
    }

    private mutating func deliverClosing(into events: inout HTTP2Events) {
        for slot in closing {
            events.list.append(.closed(handle(of: Int(slot))))
            slots[Int(slot)].phase = .closed
        }
        delivered.append(contentsOf: closing)
        closing.removeAll(keepingCapacity: true)
    }

    /// Frees the slots whose `closed` events the owner has seen.
    mutating func releaseDelivered() {
        if delivered.isEmpty { return }
        for slot in delivered {
            slots[Int(slot)].phase = .free
            slots[Int(slot)].id = 0
        }
        freeSlots.append(contentsOf: delivered)
        delivered.removeAll(keepingCapacity: true)
    }

    // MARK: Ready to send

    /// Whether a stream waits for its turn to send.
    var hasReady: Bool { firstReady >= 0 }

    /// Puts the stream at the end of the ready list, unless it is in it.
    mutating func appendReady(_ slot: Int) {
        if slots[slot].isReady { return }
        slots[slot].isReady = true
        slots[slot].nextReady = -1
        let position = Int32(truncatingIfNeeded: slot)
        if lastReady >= 0 { slots[Int(lastReady)].nextReady = position } else { firstReady = position }
        lastReady = position
    }

    /// Takes the first slot from the ready list; its stream may have gone since it was put there.
    mutating func popReady() -> Int? {
        guard firstReady >= 0 else { return nil }
        let slot = Int(firstReady)
        firstReady = slots[slot].nextReady
        if firstReady < 0 { lastReady = -1 }
        slots[slot].isReady = false
        return slot
    }
}
