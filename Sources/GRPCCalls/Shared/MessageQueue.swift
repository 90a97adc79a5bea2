internal import NodeTransport

/// Messages that wait for their reader, first in, first out. Flow control bounds it: the peer gets no
/// more credit while messages wait.
struct MessageQueue {
    private var messages: [Bytes] = []
    private var head = 0

    var isEmpty: Bool { head == messages.count }

    mutating func append(_ message: Bytes) { messages.append(message) }

    mutating func popFirst() -> Bytes? {
        guard head < messages.count else { return nil }
        let message = messages[head]
        messages[head] = Bytes()
        head += 1
        if head == messages.count {
            messages.removeAll(keepingCapacity: messages.count <= 64)
            head = 0
        } else if head >= 32, head * 2 >= messages.count {
            messages.removeFirst(head)
            head = 0
        }
        return message
    }

    mutating func removeAll() {
        messages = []
        head = 0
    }
}
