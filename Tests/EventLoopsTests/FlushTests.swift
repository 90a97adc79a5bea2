import EventLoops
import Testing

@Suite("Flushes", .timeLimit(.minutes(5)))
struct FlushTests {
    @Test func comeOnceWhenTheJobsOfTheTurnHaveRun() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<String>(), Signal())
            try await loop.perform {
                loop.scheduleFlush(
                    Probe(onFlush: { _ in
                        log.append("flush")
                        isOver.fire()
                    }))
                for _ in 0..<3 {
                    _ = Task(executorPreference: loop.taskExecutor) {
                        log.append("job")
                        await Task.yield()
                        log.append("job")
                    }
                }
            }
            await isOver.wait()
            // A turn later there was no second flush.
            try await loop.perform {}
            #expect(log.entries == [String](repeating: "job", count: 6) + ["flush"])
        }
    }

    @Test func comeBeforeALongRowOfJobsHasRun() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<String>(), Signal())
            try await loop.perform {
                loop.scheduleFlush(Probe(onFlush: { _ in log.append("flush") }))
                for number in 1...100 {
                    _ = Task(executorPreference: loop.taskExecutor) {
                        log.append("job")
                        if number == 100 { isOver.fire() }
                    }
                }
            }
            await isOver.wait()
            let place = try #require(log.entries.firstIndex(of: "flush"))
            #expect(place > 0 && place < 40 && log.entries.count(where: { $0 == "flush" }) == 1)
        }
    }

    @Test func oneThatIsScheduledByAFlushComesInTheNextTurn() async throws {
        try await withLoop { loop in
            let (log, isOver) = (Log<String>(), Signal())
            try await loop.perform {
                let again = Probe(onFlush: { probe in
                    log.append("again")
                    guard log.entries.count < 4 else { return isOver.fire() }
                    loop.scheduleFlush(probe)
                })
                loop.scheduleFlush(again)
                loop.scheduleFlush(Probe(onFlush: { _ in log.append("other") }))
            }
            await isOver.wait()
            #expect(log.entries == ["again", "other", "again", "again"])
        }
    }

    @Test func theLoopDoesNotSleepOverJobsThatAFlushMakesReady() async throws {
        try await withLoop { loop in
            for _ in 0..<200 {
                let isOver = Signal()
                try await loop.perform {
                    loop.scheduleFlush(
                        Probe(onFlush: { _ in
                            _ = Task(executorPreference: loop.taskExecutor) { isOver.fire() }
                        }))
                }
                await isOver.wait()
            }
        }
    }

    @Test("A flush that is always scheduled leaves sockets and other threads their turn")
    func flushesForEver() async throws {
        try await withLoop { loop in
            let restless = Probe(onFlush: { loop.scheduleFlush($0) })
            try await loop.perform { loop.scheduleFlush(restless) }
            let pair = try SocketPair()
            try await readableEvent(of: pair, on: loop)
            try await loop.perform { restless.onFlush = nil }
        }
    }
}
