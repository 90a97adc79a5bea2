internal import StreamTables

/// The sections that refer to the dynamic table and were neither acknowledged nor cancelled, by stream.
struct OutstandingSections: ~Copyable {
    /// More may not be outstanding; what is sent beyond does without the table.
    private static let limit = 1024

    private let counts = StreamMap<Int>()
    private var total = 0

    init() {}

    var isEmpty: Bool { total == 0 }
    var isFull: Bool { total >= Self.limit }

    func has(_ stream: Int64) -> Bool { counts[stream] != nil }

    mutating func append(_ stream: Int64) {
        counts.insert((counts[stream] ?? 0) + 1, for: stream)
        total += 1
    }

    /// The first section of the stream was acknowledged; false when there is none.
    mutating func acknowledge(_ stream: Int64) -> Bool {
        guard let count = counts[stream] else { return false }
        if count > 1 { counts.insert(count - 1, for: stream) } else { counts.remove(stream) }
        total -= 1
        return true
    }

    /// The stream's sections will not be acknowledged.
    mutating func cancel(_ stream: Int64) { total -= counts.remove(stream) ?? 0 }
}
