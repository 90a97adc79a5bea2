internal import NodeTransport

/// Messages that wait for their reader, first in, first out. Flow control bounds it: the peer gets no
/// more credit while messages wait.
struct MessageQueue {
    // Most calls have one message at a time; it needs no array.
    private var first: Bytes?
    private var rest: [Bytes] = []
    private var head = 0

    var isEmpty: Bool { first == nil }

    mutating func append(_ message: Bytes) {
        if first == nil { first = message } else { rest.append(message) }
    }

    mutating func popFirst() -> Bytes? {
        guard let message = first.take() else { return nil }
        if head < rest.count { moveUp() }
        return message
    }

    mutating func removeAll() {
        first = nil
        rest = []
        head = 0
    }

    private mutating func moveUp() {
        first = rest[head]
        rest[head] = Bytes()
        head += 1
        if head == rest.count {
            rest.removeAll(keepingCapacity: rest.count <= 64)
            head = 0
        } else if head >= 32, head * 2 >= rest.count {
            rest.removeFirst(head)
            head = 0
        }
    }
}
