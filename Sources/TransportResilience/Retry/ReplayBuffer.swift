internal import NodeTransport

/// What a stream has sent, for as long as it may have to be sent again.
struct ReplayBuffer {
    /// What a message counts beside its bytes, so that empty ones cannot pile up.
    static let overheadBytes = 32

    private let limit: Int
    private var byteCount = 0
    /// Most streams of one request need no array.
    private var first: Bytes?
    private var others: [Bytes] = []
    /// Whether the client has half-closed.
    private(set) var isFinished = false

    init(limit: Int) { self.limit = limit }

    /// All messages, in order.
    var messages: [Bytes] { (first.map { [$0] } ?? []) + others }

    /// Keeps `message`; false when it is over the limit.
    mutating func append(_ message: Bytes) -> Bool {
        let cost = message.count + Self.overheadBytes
        guard cost <= limit - byteCount else { return false }
        byteCount += cost
        if first == nil { first = message } else { others.append(message) }
        return true
    }

    mutating func finish() { isFinished = true }
}
