import Testing
import TransportTestKit

@testable import TransportResilience

@Suite struct RateBucketTests {
    private let start = ContinuousClock.now

    @Test func aBurstAndThenTheRate() {
        let rate = RateBucket.Rate(CallRate(perSecond: 10, burst: 3))
        var bucket = RateBucket()
        for _ in 0..<3 {
            #expect(bucket.wait(for: 1, of: rate, now: start) == nil)
            bucket.take(1, of: rate, now: start)
        }
        #expect(bucket.wait(for: 1, of: rate, now: start) == .milliseconds(100))
        #expect(bucket.wait(for: 2, of: rate, now: start) == .milliseconds(200))
        #expect(bucket.wait(for: 1, of: rate, now: start.advanced(by: .milliseconds(40))) == .milliseconds(60))
        #expect(bucket.wait(for: 1, of: rate, now: start.advanced(by: .milliseconds(100))) == nil)
    }

    @Test func whatWeighsMoreThanTheBucketHoldsTakesAFullOne() {
        let rate = RateBucket.Rate(CallRate(perSecond: 1, burst: 2))
        var bucket = RateBucket()
        #expect(bucket.wait(for: 100, of: rate, now: start) == nil)
        bucket.take(100, of: rate, now: start)
        #expect(bucket.wait(for: 100, of: rate, now: start) == .seconds(2))
    }

    /// In no stretch of time are more let in than the burst and what the rate gives for it.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func neverMoreThanBurstAndRate(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let perSecond = Double.random(in: 0.5...2_000, using: &random)
        let burst = Int.random(in: 1...50, using: &random)
        let rate = RateBucket.Rate(CallRate(perSecond: perSecond, burst: burst))
        var (bucket, now, admitted): (RateBucket, Duration, [Duration]) = (RateBucket(), .zero, [])
        for _ in 0..<3_000 {
            now += .seconds(Double.random(in: 0...(1 / perSecond), using: &random))
            let instant = start.advanced(by: now)
            guard bucket.wait(for: 1, of: rate, now: instant) == nil else { continue }
            bucket.take(1, of: rate, now: instant)
            admitted.append(now)
        }
        #expect(admitted.count > burst)
        for first in stride(from: 0, to: admitted.count, by: 7) {
            for last in stride(from: first, to: admitted.count, by: 13) {
                let allowed = Double(burst) + (admitted[last] - admitted[first]) / .seconds(1) * perSecond
                #expect(Double(last - first + 1) <= allowed + 1e-6, "seed \(seed)")
            }
        }
    }

    @Test func oddNumbersAreBroughtIntoTheirRanges() {
        #expect(CallRate(perSecond: .nan, burst: -4) == CallRate(perSecond: 0.001, burst: 1))
        #expect(CallRate(perSecond: .infinity, burst: .max) == CallRate(perSecond: 1e9, burst: 1_000_000_000))
        let rate = RateBucket.Rate(CallRate(perSecond: 0, burst: .max))
        var bucket = RateBucket()
        bucket.take(.max, of: rate, now: start)
        #expect(bucket.wait(for: 1, of: rate, now: start) != nil)
    }
}
