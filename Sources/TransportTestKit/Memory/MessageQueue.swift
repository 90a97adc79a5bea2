internal import NodeTransport

/// The messages on their way in one direction of a call: bounded in bytes and in number.
struct MessageQueue {
    private var messages: [Bytes] = []
    private var first = 0
    private var byteCount = 0
    private let maximumBytes: Int
    private let maximumMessages: Int

    init(maximumBytes: Int, maximumMessages: Int) {
        self.maximumBytes = maximumBytes
        self.maximumMessages = max(maximumMessages, 1)
    }

    var isEmpty: Bool { first == messages.count }

    /// Whether a sender must wait; an empty queue takes a message of any size.
    var isFull: Bool {
        messages.count - first >= maximumMessages || (!isEmpty && byteCount >= maximumBytes)
    }

    mutating func append(_ message: Bytes) {
        messages.append(message)
        byteCount += message.count
    }

    mutating func popFirst() -> Bytes? {
        guard !isEmpty else { return nil }
        let message = messages[first]
        messages[first] = Bytes()
        first += 1
        byteCount -= message.count
        // Also when the queue never runs empty, so that taken places do not pile up.
        if first == messages.count || first >= 64 {
            messages.removeFirst(first)
            first = 0
        }
        return message
    }
}
