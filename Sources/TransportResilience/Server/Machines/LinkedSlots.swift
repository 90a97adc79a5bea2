/// A bounded store whose elements can be chained in an order of their own: taking one out of the middle costs as much as
/// taking the first.
///
/// Elements that are not in the chain stay where they are until they are removed. Memory grows up to what was ever in
/// use at once, and no further than the capacity.
struct LinkedSlots<Element> {
    typealias Ticket = SlotTicket

    private struct Slot {
        var element: Element?
        var generation: UInt32 = 0
        var previous = -1
        var next = -1
        var isLinked = false
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private var head = -1
    private var tail = -1
    let capacity: Int
    /// How many are in the chain.
    private(set) var linkedCount = 0

    init(capacity: Int) { self.capacity = max(capacity, 0) }

    /// How many elements there are.
    var count: Int { slots.count - free.count }

    /// How many places have memory.
    var allocatedCount: Int { slots.count }

    var first: Ticket? { ticket(head) }
    var last: Ticket? { ticket(tail) }

    private func ticket(_ index: Int) -> Ticket? {
        slots.indices.contains(index) ? Ticket(index: index, generation: slots[index].generation) : nil
    }

    private func isValid(_ ticket: Ticket) -> Bool {
        slots.indices.contains(ticket.index) && slots[ticket.index].generation == ticket.generation
    }

    /// Puts `element` in, outside the chain; `nil` when the store is full.
    mutating func insert(_ element: Element) -> Ticket? {
        if let index = free.popLast() {
            slots[index].element = element
            return ticket(index)
        }
        guard slots.count < capacity else { return nil }
        slots.append(Slot(element: element))
        return ticket(slots.count - 1)
    }

    /// The element; `nil` when it was removed.
    subscript(ticket: Ticket) -> Element? { isValid(ticket) ? slots[ticket.index].element : nil }

    /// Changes the element in its place; does nothing when it was removed.
    mutating func modify(_ ticket: Ticket, _ change: (inout Element) -> Void) {
        guard isValid(ticket), var element = slots[ticket.index].element.take() else { return }
        change(&element)
        slots[ticket.index].element = element
    }

    /// Puts an element at the end of the chain.
    mutating func link(_ ticket: Ticket) {
        let index = ticket.index
        guard isValid(ticket), !slots[index].isLinked else { return }
        slots[index].isLinked = true
        slots[index].previous = tail
        slots[index].next = -1
        if tail >= 0 { slots[tail].next = index } else { head = index }
        tail = index
        linkedCount += 1
    }

    /// Takes an element out of the chain, and keeps it.
    mutating func unlink(_ ticket: Ticket) {
        let index = ticket.index
        guard isValid(ticket), slots[index].isLinked else { return }
        let (previous, next) = (slots[index].previous, slots[index].next)
        if previous >= 0 { slots[previous].next = next } else { head = next }
        if next >= 0 { slots[next].previous = previous } else { tail = previous }
        slots[index].isLinked = false
        linkedCount -= 1
    }

    /// Removes an element; `nil` when it was removed before.
    mutating func remove(_ ticket: Ticket) -> Element? {
        guard isValid(ticket) else { return nil }
        unlink(ticket)
        slots[ticket.index].generation &+= 1
        free.append(ticket.index)
        return slots[ticket.index].element.take()
    }
}

/// Names an element until it is removed; an old one names nothing.
struct SlotTicket: Hashable {
    fileprivate let index: Int
    fileprivate let generation: UInt32
}
