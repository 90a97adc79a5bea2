/// What will happen, the earliest first; of what happens at one time, what was entered first.
struct EventHeap<Element> {
    private struct Entry {
        var time: Int64
        var order: Int
        var element: Element

        func precedes(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    private var entries: [Entry] = []
    /// How many have been entered.
    private(set) var nextOrder = 0

    var count: Int { entries.count }
    var nextTime: Int64? { entries.first?.time }

    mutating func insert(_ element: Element, at time: Int64) {
        entries.append(Entry(time: time, order: nextOrder, element: element))
        nextOrder += 1
        var child = entries.count - 1
        while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest, if its time is `limit` or before and it was entered as one of the first `bound`.
    mutating func popFirst(upTo limit: Int64, enteredBefore bound: Int) -> Element? {
        guard let first = entries.first, first.time <= limit, first.order < bound else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            guard least != parent else { return first.element }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
