import Testing

@testable import EventLoops

@Suite("The heap of timers")
struct TimerHeapTests {
    private let handler = Probe()

    @Test(arguments: [1, 2, 3, 0xfeed, UInt64.random(in: 0 ... .max)])
    func behavesLikeASortedList(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let timers = (0..<200).map { _ in LoopTimer() }
        var heap = TimerHeap()
        var model: [Int: Int64] = [:]
        for _ in 0..<20_000 {
            let index = Int.random(in: timers.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let deadline = Int64.random(in: 0..<1_000, using: &random)
                _ = heap.remove(timers[index])
                heap.insert(timers[index], for: handler, at: deadline)
                model[index] = deadline
            case 2:
                let removed = heap.remove(timers[index])
                let expected = model.removeValue(forKey: index)
                #expect((removed != nil) == (expected != nil), "seed \(seed)")
            default:
                let now = Int64.random(in: 0..<1_000, using: &random)
                let earliest = model.values.min()
                guard let (timer, _) = heap.popDue(now: now) else {
                    #expect(earliest ?? .max > now, "seed \(seed)")
                    continue
                }
                let popped = timers.firstIndex { $0 === timer }.flatMap { model.removeValue(forKey: $0) }
                #expect(popped == earliest && !timer.isScheduled, "seed \(seed)")
            }
            #expect(heap.nextDeadline == model.values.min(), "seed \(seed)")
        }
        var rest: [Int64] = []
        while let deadline = heap.nextDeadline, heap.popDue(now: .max) != nil { rest.append(deadline) }
        #expect(rest == model.values.sorted(), "seed \(seed)")
        #expect(timers.allSatisfy { !$0.isScheduled })
    }

    @Test func nothingIsDueInAnEmptyHeap() {
        var heap = TimerHeap()
        #expect(heap.nextDeadline == nil)
        #expect(heap.popDue(now: .max) == nil)
        #expect(heap.remove(LoopTimer()) == nil)
    }

    @Test func aTimerIsDueAtItsDeadlineAndNotBefore() {
        var heap = TimerHeap()
        heap.insert(LoopTimer(), for: handler, at: 10)
        #expect(heap.popDue(now: 9) == nil)
        #expect(heap.popDue(now: 10) != nil)
    }

    private static let durations: [(Duration, Int64)] = [
        (.zero, 0), (.nanoseconds(1), 1), (.nanoseconds(-1), -1), (.milliseconds(1_500), 1_500_000_000),
        (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0),
        (.seconds(9_223_372_035), 9_223_372_035_000_000_000), (.seconds(9_223_372_036), .max),
        (.seconds(Int64.max), .max), (.seconds(Int64.min), .min), (.seconds(Int64.max) * 10, .max),
        (.seconds(Int64.min) * 10, .min),
    ]

    @Test(arguments: durations)
    func durationsAreClamped(duration: Duration, nanoseconds: Int64) {
        #expect(duration.clampedNanoseconds == nanoseconds)
    }
}
