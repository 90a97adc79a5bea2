/// The sections that refer to the dynamic table and were not acknowledged, in the order in which they were sent.
///
/// Peers acknowledge about in that order, so that the one that is looked for stands near the front.
struct OutstandingSections: ~Copyable {
    /// More may not be outstanding; what is sent beyond does without the table.
    static let limit = 4096

    /// Streams; −1 where the section was acknowledged behind one that was not.
    private var streams: [Int64] = []
    private var head = 0

    init() {}

    var isEmpty: Bool { head == streams.count }
    var isFull: Bool { streams.count - head >= Self.limit }

    mutating func append(_ stream: Int64) { streams.append(stream) }

    /// The first section of the stream was acknowledged; false when there is none.
    mutating func acknowledge(_ stream: Int64) -> Bool {
        var position = head
        while position < streams.count {
            if streams[position] == stream {
                streams[position] = -1
                advance()
                return true
            }
            position += 1
        }
        return false
    }

    /// The stream's sections will not be acknowledged.
    mutating func cancel(_ stream: Int64) {
        for position in head..<streams.count where streams[position] == stream { streams[position] = -1 }
        advance()
    }

    private mutating func advance() {
        while head < streams.count, streams[head] == -1 { head += 1 }
        if head == streams.count {
            streams.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64, head * 2 >= streams.count {
            streams.removeFirst(head)
            head = 0
        }
    }
}
