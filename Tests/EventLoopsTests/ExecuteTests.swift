import EventLoops
import Synchronization
import Testing

@Suite("Work from other threads", .timeLimit(.minutes(5)))
struct ExecuteTests {
    @Test func keepsItsOrderForEachThread() async throws {
        let (threads, each) = (4, 25_000)
        let logs = (0..<threads).map { _ in Log<Int>() }
        try await withLoop { loop in
            await withTaskGroup { group in
                for thread in 0..<threads {
                    group.addTask {
                        for number in 0..<each {
                            loop.execute { logs[thread].append(number) }
                        }
                    }
                }
            }
            try await loop.perform {}
        }
        let isInOrder = logs.map { $0.entries == Array(0..<each) }
        #expect(isInOrder == [true, true, true, true])
    }

    @Test func runsAtOnceOnTheLoop() async throws {
        try await withLoop { loop in
            let log = Log<Int>()
            try await loop.perform {
                log.append(1)
                loop.execute { log.append(2) }
                log.append(3)
            }
            #expect(log.entries == [1, 2, 3])
        }
    }

    @Test("A loop that falls asleep while work comes in wakes up", arguments: [7, UInt64.random(in: 0 ... .max)])
    func noWakeUpIsLost(seed: UInt64) async throws {
        try await withLoop { loop in
            try await withThrowingTaskGroup { group in
                // Two at once, so that one's work comes in at every point of the other's way to sleep.
                for offset in 0..<2 {
                    group.addTask {
                        var random = SeededGenerator(seed: seed &+ UInt64(offset))
                        for _ in 0..<3_000 {
                            let log = Log<Int>()
                            let burst = Int.random(in: 1...4, using: &random)
                            for number in 1..<burst { loop.execute { log.append(number) } }
                            // A lost wake-up shows as this never coming back.
                            try await loop.perform { log.append(burst) }
                            #expect(log.entries == Array(1...burst), "seed \(seed)")
                            spin(Int.random(in: 0..<2_000, using: &random))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func goesFromLoopToLoop() async throws {
        try await withLoops(2) { group in
            let isOver = Signal()
            bounce(20_000, between: group.loops[0], and: group.loops[1], isOver)
            await isOver.wait()
        }
    }

    @Test func wakesALoopThatWaitsForADistantTimer() async throws {
        try await withLoop { loop in
            let probe = Probe()
            try await loop.perform { loop.schedule(probe.timer, for: probe, after: .seconds(3_600)) }
            for _ in 0..<100 { try await loop.perform {} }
            try await loop.perform { loop.cancel(probe.timer) }
        }
    }
}

private func bounce(_ hops: Int, between here: EventLoop, and there: EventLoop, _ isOver: Signal) {
    guard hops > 0 else { return isOver.fire() }
    here.execute {
        precondition(here.isCurrent && EventLoop.current === here)
        bounce(hops - 1, between: there, and: here, isOver)
    }
}

/// Passes a little time without giving up the thread.
@inline(never)
private func spin(_ rounds: Int) {
    let counter = Atomic(0)
    for _ in 0..<rounds { counter.add(1, ordering: .relaxed) }
}
