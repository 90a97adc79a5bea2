internal import NodeTransport

/// The messages that wait to be framed, for all streams: linked lists in one pool.
///
/// What a stream may queue is bounded by its owner, who watches `queuedBytes` and `drained`.
struct SendQueue: ~Copyable {
    /// The messages of one stream, oldest first.
    struct List {
        fileprivate(set) var first: Int32 = -1
        fileprivate(set) var last: Int32 = -1
        fileprivate(set) var byteCount = 0

        var isEmpty: Bool { first < 0 }
    }

    /// One message, or what is left of it: up to 8 bytes of prefix, then the payload.
    struct Message {
        /// The prefix's bytes, the first one highest.
        var prefix: UInt64
        var prefixCount: Int
        var payload: Bytes
        /// How much of `payload` has been framed.
        var offset = 0

        var byteCount: Int { prefixCount + payload.count - offset }
    }

    private struct Node {
        var message: Message
        var next: Int32
    }

    private var nodes: [Node] = []
    private var firstFree: Int32 = -1

    mutating func append(_ message: Message, to list: inout List) {
        let node = Node(message: message, next: -1)
        let index: Int32
        if firstFree >= 0 {
            index = firstFree
            firstFree = nodes[Int(index)].next
            nodes[Int(index)] = node
        } else {
            index = Int32(truncatingIfNeeded: nodes.count)
            nodes.append(node)
        }
        if list.last >= 0 { nodes[Int(list.last)].next = index } else { list.first = index }
        list.last = index
        list.byteCount += message.byteCount
    }

    /// The size of the oldest message's rest.
    func firstMessageBytes(of list: borrowing List) -> Int { nodes[Int(list.first)].message.byteCount }

    /// Puts `byteCount` bytes of the oldest message into a DATA frame.
    mutating func frame(
        _ byteCount: Int, of list: inout List, stream: UInt32, endStream: Bool, into output: inout OutputQueue
    ) {
        let index = Int(list.first)
        let prefixCount = min(nodes[index].message.prefixCount, byteCount)
        let start = nodes[index].message.offset
        let end = start + byteCount - prefixCount
        output.appendData(
            stream: stream, endStream: endStream, prefix: nodes[index].message.prefix, prefixCount: prefixCount,
            payload: nodes[index].message.payload, range: start..<end
        )
        list.byteCount -= byteCount
        if byteCount == nodes[index].message.byteCount {
            removeFirst(of: &list)
        } else {
            nodes[index].message.offset = end
            nodes[index].message.prefixCount -= prefixCount
            nodes[index].message.prefix <<= UInt64(prefixCount * 8)
        }
    }

    mutating func removeAll(of list: inout List) {
        while !list.isEmpty { removeFirst(of: &list) }
        list = List()
    }

    private mutating func removeFirst(of list: inout List) {
        let index = list.first
        list.first = nodes[Int(index)].next
        if list.first < 0 { list.last = -1 }
        nodes[Int(index)] = Node(message: Message(prefix: 0, prefixCount: 0, payload: Bytes()), next: firstFree)
        firstFree = index
    }
}
