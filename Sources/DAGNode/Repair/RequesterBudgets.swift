/// How many bytes each requester may still fetch: a bucket of tokens that fills with time.
///
/// Asked before a signature is checked, because checking costs more than asking.
struct RequesterBudgets {
    /// Beyond this many requesters the one that has been quiet longest is forgotten, which gives it a full bucket.
    private static let maximumRequesters = 4_096

    private struct Bucket {
        var bytes: Double
        var updatedAt: Duration
    }

    let capacity: Int
    let bytesPerSecond: Int
    private var buckets: [String: Bucket] = [:]

    init(capacity: Int, bytesPerSecond: Int) {
        self.capacity = capacity
        self.bytesPerSecond = max(bytesPerSecond, 1)
    }

    /// How long `requester` has to wait; zero when it may fetch now.
    ///
    /// - Parameter now: Any clock that does not go back.
    mutating func delay(of requester: String, now: Duration) -> Duration {
        let bytes = fill(requester, now)
        guard bytes <= 0 else { return .zero }
        return .seconds((1 - bytes) / Double(bytesPerSecond))
    }

    /// Takes `bytes` off; what is overdrawn has to fill up first.
    mutating func spend(_ bytes: Int, by requester: String, now: Duration) {
        buckets[requester] = Bucket(bytes: fill(requester, now) - Double(bytes), updatedAt: now)
        if buckets.count > Self.maximumRequesters,
            let quietest = buckets.min(by: { $0.value.updatedAt < $1.value.updatedAt })
        {
            buckets[quietest.key] = nil
        }
    }

    private func fill(_ requester: String, _ now: Duration) -> Double {
        guard let bucket = buckets[requester] else { return Double(capacity) }
        return min(Double(capacity), bucket.bytes + (now - bucket.updatedAt) / .seconds(1) * Double(bytesPerSecond))
    }
}
