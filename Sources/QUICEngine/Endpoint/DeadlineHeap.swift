/// The connections by when they have to be looked at again: a binary heap in which each knows its place.
struct DeadlineHeap {
    private var heap: [QUICConnection] = []

    var first: QUICConnection? { heap.first }

    /// Puts the connection where `deadline` wants it; `.max` takes it out.
    mutating func set(_ connection: QUICConnection, _ deadline: QUICTime) {
        if connection.deadline == deadline && (connection.heapIndex >= 0 || deadline == .max) { return }
        connection.deadline = deadline
        if deadline == .max {
            remove(connection)
        } else if connection.heapIndex < 0 {
            connection.heapIndex = heap.count
            heap.append(connection)
            rise(connection.heapIndex)
        } else {
            rise(connection.heapIndex)
            sink(connection.heapIndex)
        }
    }

    mutating func remove(_ connection: QUICConnection) {
        let index = connection.heapIndex
        guard index >= 0 else { return }
        connection.heapIndex = -1
        connection.deadline = .max
        let last = heap.removeLast()
        guard last !== connection else { return }
        heap[index] = last
        last.heapIndex = index
        rise(index)
        sink(last.heapIndex)
    }

    mutating func removeAll() {
        for connection in heap { connection.heapIndex = -1 }
        heap.removeAll()
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].deadline < heap[parent].deadline else { return }
            swap(index, parent)
            index = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in 2 * index + 1...2 * index + 2 where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            if least == index { return }
            swap(index, least)
            index = least
        }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        heap.swapAt(left, right)
        heap[left].heapIndex = left
        heap[right].heapIndex = right
    }
}
