import Testing
import TransportTestKit

@testable import TransportResilience

extension AdmissionTable {
    fileprivate mutating func entered(_ key: Key, _ now: ContinuousClock.Instant) throws -> SlotTicket {
        let ticket = enter(key, weight: 1, now: now)
        return try #require(ticket)
    }
}

@Suite struct AdmissionTableTests {
    private let now = ContinuousClock.now

    @Test func itCountsEachKeyByItself() throws {
        var table = AdmissionTable<Int>(AdmissionLimit(maximumCalls: 2), capacity: 10)
        let first = try table.entered(1, now)
        _ = table.enter(1, weight: 1, now: now)
        #expect(table.refusal(of: 1, weight: 1, now: now) == .calls)
        #expect(table.refusal(of: 2, weight: 1, now: now) == nil)
        table.leave(first)
        #expect(table.refusal(of: 1, weight: 1, now: now) == nil)
    }

    @Test func theRateIsEachKeysOwn() {
        var table = AdmissionTable<Int>(AdmissionLimit(rate: CallRate(perSecond: 1, burst: 1)), capacity: 10)
        _ = table.enter(1, weight: 1, now: now)
        #expect(table.refusal(of: 1, weight: 1, now: now) == .rate(wait: .seconds(1)))
        #expect(table.refusal(of: 2, weight: 1, now: now) == nil)
        #expect(table.refusal(of: 1, weight: 1, now: now.advanced(by: .seconds(1))) == nil)
    }

    @Test func theOneThatWasAwayTheLongestIsForgottenFirst() throws {
        let limit = AdmissionLimit(rate: CallRate(perSecond: 0.001, burst: 1))
        var table = AdmissionTable<Int>(limit, capacity: 3)
        for key in 1...3 { table.leave(try table.entered(key, now)) }
        table.leave(try table.entered(1, now))
        table.leave(try table.entered(4, now))
        #expect(table.refusal(of: 2, weight: 1, now: now) == nil, "it was forgotten")
        for key in [1, 3, 4] { #expect(table.refusal(of: key, weight: 1, now: now) != nil, "\(key) is remembered") }
    }

    @Test func whoeverHasACallIsNotForgotten() throws {
        var table = AdmissionTable<Int>(AdmissionLimit(maximumCalls: 1), capacity: 2)
        _ = table.enter(1, weight: 1, now: now)
        for key in 2...100 {
            table.leave(try table.entered(key, now))
            #expect(table.count <= 2)
        }
        #expect(table.refusal(of: 1, weight: 1, now: now) == .calls)
        _ = table.enter(2, weight: 1, now: now)
        let third = table.enter(3, weight: 1, now: now)
        #expect(third == nil, "every place has a call")
    }

    /// Made-up addresses cost no more memory than the table has.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func itIsBoundedWhoeverComes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = AdmissionTable<UInt64>(AdmissionLimit(maximumCalls: 3), capacity: 64)
        var (running, calls): ([(SlotTicket, UInt64)], [UInt64: Int]) = ([], [:])
        for _ in 0..<4_000 {
            if running.count < 40, Bool.random(using: &random) {
                let key = UInt64.random(in: 0..<1_000, using: &random)
                guard table.refusal(of: key, weight: 1, now: now) == nil else {
                    #expect(calls[key] == 3, "seed \(seed)")
                    continue
                }
                guard let ticket = table.enter(key, weight: 1, now: now) else {
                    Issue.record("no place, seed \(seed)")
                    return
                }
                running.append((ticket, key))
                calls[key, default: 0] += 1
            } else if let index = running.indices.randomElement(using: &random) {
                let (ticket, key) = running.remove(at: index)
                table.leave(ticket)
                calls[key, default: 0] -= 1
                #expect(table.calls(of: key) == calls[key], "seed \(seed)")
            }
            #expect(table.count <= 64, "seed \(seed)")
        }
        for (ticket, _) in running { table.leave(ticket) }
        #expect(table.busyCount == 0)
    }
}
