import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@testable import TransportDNS

@Suite("Look-ups keep their distance")
struct LookUpScheduleTests {
    @Test func `Whatever comes, the next look-up is neither too early nor too late`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let now = ContinuousClock.now
        for _ in 0..<500 {
            var configuration = DNSConfiguration()
            let bounds = [Int64.random(in: -5...400, using: &random), .random(in: -5...400, using: &random)].sorted()
            configuration.timeToLive = .seconds(bounds[0]) ... .seconds(bounds[1])
            configuration.minimumInterval = .seconds(Int64.random(in: -1...100, using: &random))
            let checked = try configuration.checked()
            var schedule = LookUpSchedule(checked)
            for _ in 0..<20 {
                let answer: Duration? =
                    Bool.random(using: &random) ? .seconds(Int64.random(in: 0...(1 << 32), using: &random)) : nil
                let isFailed = Bool.random(using: &random)
                let times = schedule.ended(
                    keepingFor: answer, isFailed: isFailed, now: now, chance: .random(in: 0..<1, using: &random))
                #expect(times.earliest > now && times.earliest <= times.due, "seed \(seed)")
                if isFailed {
                    #expect(times.due <= now.advanced(by: .seconds(144)), "seed \(seed)")
                    // Only where something came may somebody hurry it.
                    #expect(answer != nil || times.earliest == times.due, "seed \(seed)")
                    if answer != nil {
                        #expect(now.duration(to: times.due) <= checked.timeToLive.upperBound, "seed \(seed)")
                    }
                } else {
                    #expect(checked.timeToLive.contains(now.duration(to: times.due)), "seed \(seed)")
                }
            }
        }
    }
}
