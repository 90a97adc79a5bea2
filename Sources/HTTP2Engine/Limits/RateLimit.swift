/// Counts what a peer does and says when it is too much in one window of time.
struct RateLimit {
    private let maxCount: Int
    private let windowNanoseconds: Int64
    private var count = 0
    private var windowStart: Int64?

    init(maxCount: Int, windowNanoseconds: Int64) {
        self.maxCount = maxCount
        self.windowNanoseconds = windowNanoseconds
    }

    /// Counts one; false when the limit is exceeded.
    mutating func admit(now: Int64) -> Bool {
        if let start = windowStart, now &- start < windowNanoseconds {
            count += 1
        } else {
            windowStart = now
            count = 1
        }
        return count <= maxCount
    }

    /// Takes one back: the peer has done something for it.
    mutating func makeUp() { count = max(count - 1, 0) }
}
