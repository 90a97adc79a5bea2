import EventLoops
import Testing

@Suite("Timers of a loop", .timeLimit(.minutes(5)))
struct TimerTests {
    @Test func fireInTheOrderOfTheirDeadlines() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<Int>(), Signal())
            try await loop.perform {
                for index in [3, 0, 4, 1, 2] {
                    let probe = Probe(onTimer: { _ in
                        log.append(index)
                        if index == 4 { isOver.fire() }
                    })
                    loop.schedule(probe.timer, for: probe, at: loop.now + 1_000_000 + Int64(index))
                }
            }
            await isOver.wait()
            #expect(log.entries == [0, 1, 2, 3, 4])
        }
    }

    @Test func doNotFireEarly() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<Int64>(), Signal())
            try await loop.perform {
                for index in 0..<20 {
                    let deadline = loop.now + Int64(index) * 700_000
                    let probe = Probe(onTimer: { _ in
                        log.append(loop.now - deadline)
                        if index == 19 { isOver.fire() }
                    })
                    loop.schedule(probe.timer, for: probe, at: deadline)
                }
            }
            await isOver.wait()
            #expect(log.entries.count == 20)
            #expect(log.entries.allSatisfy { $0 >= 0 })
        }
    }

    @Test func aCancelledTimerLetsItsHandlerGoAndDoesNotFire() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<String>(), Signal())
            try await loop.perform {
                let timer = LoopTimer()
                loop.schedule(timer, for: AtEnd { log.append("gone") }, after: .microseconds(10))
                #expect(timer.isScheduled)
                loop.cancel(timer)
                #expect(!timer.isScheduled)
                log.append("cancelled")
                loop.cancel(timer)
                let last = Probe(onTimer: { _ in isOver.fire() })
                loop.schedule(last.timer, for: last, after: .milliseconds(1))
            }
            await isOver.wait()
            #expect(log.entries == ["gone", "cancelled"])
        }
    }

    @Test func aTimerThatAnotherHandlerOfItsTurnCancelsDoesNotFire() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<Int>(), Signal())
            try await loop.perform {
                let second = Probe(onTimer: { _ in log.append(2) })
                let first = Probe(onTimer: { _ in
                    log.append(1)
                    loop.cancel(second.timer)
                    loop.scheduleFlush(Probe(onFlush: { _ in isOver.fire() }))
                })
                loop.schedule(first.timer, for: first, at: loop.now - 2)
                loop.schedule(second.timer, for: second, at: loop.now + 2)
            }
            await isOver.wait()
            #expect(log.entries == [1])
        }
    }

    @Test func reschedulingReplacesTheDeadlineAndTheHandler() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<String>(), Signal())
            try await loop.perform {
                let timer = LoopTimer()
                loop.schedule(timer, for: Probe(onTimer: { _ in log.append("first") }), at: loop.now)
                loop.schedule(timer, for: Probe(onTimer: { _ in log.append("second") }), after: .milliseconds(1))
                let last = Probe(onTimer: { _ in isOver.fire() })
                loop.schedule(last.timer, for: last, after: .milliseconds(2))
            }
            await isOver.wait()
            #expect(log.entries == ["second"])
        }
    }

    @Test("A timer that is always due leaves the others, sockets and other threads their turn")
    func alwaysDue() async throws {
        try await withLoop { loop in
            let restless = Probe(onTimer: { loop.schedule($0.timer, for: $0, at: .min) })
            let isOver = Signal()
            try await loop.perform { loop.schedule(restless.timer, for: restless, at: .min) }
            try await loop.perform {
                let other = Probe(onTimer: { _ in isOver.fire() })
                loop.schedule(other.timer, for: other, after: .microseconds(100))
            }
            await isOver.wait()
            let pair = try SocketPair()
            try await readableEvent(of: pair, on: loop)
            try await loop.perform { loop.cancel(restless.timer) }
        }
    }

    @Test(arguments: [Duration.seconds(Int64.max) * 10, .seconds(Int64.max), .zero, .seconds(Int64.min) * 10])
    func extremeDelaysDoNotTrap(delay: Duration) async throws {
        try await withLoop { loop in
            let hasFired = Signal()
            let probe = Probe(onTimer: { _ in hasFired.fire() })
            let isLong = delay > .zero
            try await loop.perform { loop.schedule(probe.timer, for: probe, after: delay) }
            if !isLong { await hasFired.wait() }
            // Two turns with the timer in the heap.
            try await loop.perform { #expect(probe.timer.isScheduled == isLong) }
            try await loop.perform { loop.cancel(probe.timer) }
        }
    }

    @Test("A handler that goes as its timer is cancelled may use the loop's timers")
    func handlerUsesTheLoopAsItGoes() async throws {
        try await withLoop { loop in
            let (other, isOver) = (Probe(), Signal())
            try await loop.perform {
                loop.schedule(other.timer, for: other, after: .seconds(60))
                let timer = LoopTimer()
                loop.schedule(timer, for: AtEnd { loop.cancel(other.timer) }, after: .seconds(60))
                loop.cancel(timer)
                #expect(!other.timer.isScheduled)
                loop.schedule(other.timer, for: other, after: .seconds(60))
                loop.schedule(timer, for: AtEnd { loop.cancel(other.timer) }, after: .seconds(60))
                let last = Probe(onTimer: { _ in isOver.fire() })
                loop.schedule(timer, for: last, at: loop.now)
                #expect(!other.timer.isScheduled)
            }
            await isOver.wait()
        }
    }
}
