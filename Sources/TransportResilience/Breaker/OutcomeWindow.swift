/// How many calls ended well and how many failed within the last while; pure.
///
/// Ten buckets of a tenth of the window each; what it counts are the last nine whole ones and the one that has begun.
struct OutcomeWindow {
    static let bucketCount = 10

    private struct Bucket {
        var calls = 0
        var failures = 0
    }

    private let width: Duration
    private var buckets = [Bucket](repeating: Bucket(), count: bucketCount)
    private var cursor = 0
    private var bucketEnd: ContinuousClock.Instant
    private(set) var calls = 0
    private(set) var failures = 0

    init(_ window: Duration, now: ContinuousClock.Instant) {
        width = window / Self.bucketCount
        bucketEnd = now.advanced(by: width)
    }

    mutating func add(isFailure: Bool, now: ContinuousClock.Instant) {
        if now >= bucketEnd { advance(to: now) }
        buckets[cursor].calls += 1
        calls += 1
        guard isFailure else { return }
        buckets[cursor].failures += 1
        failures += 1
    }

    private mutating func advance(to now: ContinuousClock.Instant) {
        // `nil` after more time than there is.
        let whole = Int(exactly: (bucketEnd.duration(to: now) / width).rounded(.down))
        if let whole, whole < Self.bucketCount {
            for _ in 0...whole {
                cursor = (cursor + 1) % Self.bucketCount
                calls -= buckets[cursor].calls
                failures -= buckets[cursor].failures
                buckets[cursor] = Bucket()
                bucketEnd = bucketEnd.advanced(by: width)
            }
        } else {
            buckets = [Bucket](repeating: Bucket(), count: Self.bucketCount)
            (calls, failures) = (0, 0)
            bucketEnd = whole.map { bucketEnd.advanced(by: width * ($0 + 1)) } ?? now.advanced(by: width)
        }
    }
}
