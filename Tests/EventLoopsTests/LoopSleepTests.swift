import EventLoops
import Testing

@Suite("Sleeping on a loop", .timeLimit(.minutes(5)))
struct LoopSleepTests {
    @Test func lastsAsLongAsItShould() async throws {
        try await withLoop { loop in
            let began = ContinuousClock.now
            try await loop.sleep(for: .milliseconds(20))
            #expect(began.duration(to: .now) >= .milliseconds(20))
            try await loop.sleep(for: .seconds(-1))
        }
    }

    @Test func endsWithTheTask() async throws {
        try await withLoop { loop in
            let task = Task { try await loop.sleep(for: .seconds(3_600)) }
            // Before it sleeps, while it does, or as it is about to.
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let other = Task(executorPreference: loop.taskExecutor) { try await loop.sleep(for: .seconds(3_600)) }
            try await loop.perform {}
            other.cancel()
            await #expect(throws: CancellationError.self) { try await other.value }
        }
    }
}
