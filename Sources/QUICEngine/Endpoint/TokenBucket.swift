/// A rate with a burst.
struct TokenBucket {
    private var level: Double
    private var filledAt: QUICTime

    init(full burst: Double, now: QUICTime) {
        level = burst
        filledAt = now
    }

    /// Takes one; false when there is none.
    mutating func take(ratePerSecond: Double, burst: Double, now: QUICTime) -> Bool {
        refill(ratePerSecond: ratePerSecond, burst: burst, now: now)
        guard level >= 1 else { return false }
        level -= 1
        return true
    }

    mutating func isFull(ratePerSecond: Double, burst: Double, now: QUICTime) -> Bool {
        refill(ratePerSecond: ratePerSecond, burst: burst, now: now)
        return level >= burst
    }

    private mutating func refill(ratePerSecond: Double, burst: Double, now: QUICTime) {
        let elapsed = now > filledAt ? now - filledAt : 0
        filledAt = max(now, filledAt)
        level = min(burst, level + Double(elapsed) * ratePerSecond / 1e9)
    }
}

/// The rate at which each network may open connections.
struct AddressRates {
    private var buckets: [UInt64: TokenBucket] = [:]
    /// Beyond so many, those that were idle long enough are forgotten, and if that does not help all are.
    private static let maximumCount = 65_536

    mutating func admit(_ network: UInt64, ratePerSecond: Double, burst: Double, now: QUICTime) -> Bool {
        if buckets.count >= Self.maximumCount && buckets[network] == nil {
            buckets = buckets.filter { entry in
                var bucket = entry.value
                return !bucket.isFull(ratePerSecond: ratePerSecond, burst: burst, now: now)
            }
            if buckets.count >= Self.maximumCount { buckets.removeAll() }
        }
        return buckets[network, default: TokenBucket(full: burst, now: now)]
            .take(ratePerSecond: ratePerSecond, burst: burst, now: now)
    }
}
