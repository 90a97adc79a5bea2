/// A timer that an event loop fires; used on the loop only.
package final class LoopTimer {
    fileprivate var handler: (any LoopTimerHandler)?
    fileprivate var deadline: Int64 = 0
    fileprivate var position = -1

    package init() {}

    /// Whether it is going to fire.
    package var isScheduled: Bool { position >= 0 }
}

/// The timers of a loop, the earliest on top: a binary heap whose entries know their place.
struct TimerHeap {
    private var timers: [LoopTimer] = []

    var nextDeadline: Int64? { timers.first?.deadline }

    mutating func insert(_ timer: LoopTimer, for handler: any LoopTimerHandler, at deadline: Int64) {
        timer.handler = handler
        timer.deadline = deadline
        timer.position = timers.count
        timers.append(timer)
        siftUp(timer.position)
    }

    /// Answers the handler, if the timer was scheduled: it must not go while the heap is being changed.
    mutating func remove(_ timer: LoopTimer) -> (any LoopTimerHandler)? {
        let position = timer.position
        guard position >= 0 else { return nil }
        timer.position = -1
        let handler = timer.handler.take()
        let last = timers.removeLast()
        guard last !== timer else { return handler }
        timers[position] = last
        last.position = position
        siftDown(position)
        siftUp(last.position)
        return handler
    }

    /// The earliest timer if its deadline has come; it is no longer in the heap.
    mutating func popDue(now: Int64) -> (LoopTimer, any LoopTimerHandler)? {
        guard let first = timers.first, first.deadline <= now, let handler = remove(first) else { return nil }
        return (first, handler)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard timers[child].deadline < timers[parent].deadline else { return }
            exchange(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < timers.count && timers[child].deadline < timers[smallest].deadline {
                smallest = child
            }
            guard smallest != parent else { return }
            exchange(parent, smallest)
            parent = smallest
        }
    }

    private mutating func exchange(_ left: Int, _ right: Int) {
        timers.swapAt(left, right)
        timers[left].position = left
        timers[right].position = right
    }
}
