internal import NodeTransport

/// DATAGRAM frames that wait to be sent: a bounded queue from which the oldest give way.
struct DatagramQueue {
    private let waiting = FIFO<(id: UInt64, bytes: Bytes)>()
    private let limitBytes: Int
    private(set) var byteCount = 0
    private(set) var dropped: UInt64 = 0

    init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    var first: (id: UInt64, bytes: Bytes)? { waiting.first }
    var isEmpty: Bool { waiting.isEmpty }

    mutating func append(id: UInt64, _ bytes: Bytes) {
        waiting.append((id, bytes))
        // An empty one costs something too.
        byteCount += max(bytes.count, 1)
        while byteCount > limitBytes && waiting.count > 1 {
            removeFirst()
            dropped += 1
        }
    }

    mutating func removeFirst() {
        guard let first = waiting.popFirst() else { return }
        byteCount -= max(first.bytes.count, 1)
    }

    mutating func dropFirst() {
        removeFirst()
        dropped += 1
    }

    mutating func removeAll() {
        waiting.removeAll()
        byteCount = 0
    }
}
