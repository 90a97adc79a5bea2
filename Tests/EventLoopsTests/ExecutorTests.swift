import EventLoops
import Testing

@Suite("Executors of a loop", .timeLimit(.minutes(5)))
struct ExecutorTests {
    @Test func anActorsMethodsRunOnItsLoop() async throws {
        try await withLoop { loop in
            let counter = Counter(loop)
            #expect(await counter.isOnLoopAllTheWay())
            for _ in 0..<1_000 { await counter.increment() }
            #expect(await counter.value == 1_000)
        }
    }

    @Test func anActorIsEnteredFromItsLoopWithoutAHop() async throws {
        try await withLoop { loop in
            let counter = Counter(loop)
            try await loop.perform {
                counter.onLoop { $0.increment() }
                #expect(counter.onLoop { $0.value } == 1)
                #expect(throws: Counter.Refusal.self) { try counter.onLoop { _ in throw Counter.Refusal() } }
            }
        }
    }

    @Test func theRuntimeKnowsThatTheLoopIsTheActorsExecutor() async throws {
        try await withLoop { loop in
            let counter = Counter(loop)
            try await loop.perform {
                counter.assumeIsolated { $0.increment() }
                counter.preconditionIsolated()
            }
            #expect(await counter.value == 1)
        }
    }

    @Test func actorsOfTwoLoopsCallEachOther() async throws {
        try await withLoops(2) { group in
            let (one, two) = (Counter(group.loops[0]), Counter(group.loops[1]))
            for _ in 0..<2_000 { await one.increment(with: two) }
            #expect(await one.value == 2_000)
            #expect(await two.value == 2_000)
        }
    }

    @Test func enteringAnActorOffItsLoopStopsTheProgram() async {
        await #expect(processExitsWith: .failure) {
            let group = try EventLoopGroup(count: 1)
            Counter(group.loops[0]).onLoop { $0.increment() }
        }
    }

    @Test func tasksThatPreferTheLoopStayOnIt() async throws {
        try await withLoop { loop in
            #expect(!loop.isCurrent)
            let isOnLoop = await withTaskExecutorPreference(loop.taskExecutor) {
                await Task.yield()
                let here = loop.isCurrent
                async let child = isCurrentOnSharedPool(loop)
                let inGroup = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<10 { group.addTask { await isCurrentOnSharedPool(loop) } }
                    return await group.reduce(true) { $0 && $1 }
                }
                return [here, await child, inGroup, await isCurrentOnSharedPool(loop), loop.isCurrent]
            }
            #expect(isOnLoop == [true, true, true, true, true])
            #expect(!loop.isCurrent)
        }
    }

    @Test func aTaskComesBackToTheLoopAfterAnotherActor() async throws {
        try await withLoop { loop in
            let elsewhere = Elsewhere()
            await withTaskExecutorPreference(loop.taskExecutor) {
                for _ in 0..<1_000 {
                    await elsewhere.visit()
                    #expect(loop.isCurrent)
                }
            }
        }
    }

    @Test("A task that another thread resumes runs on the loop, and what it writes is flushed")
    func resumedFromAnotherThread() async throws {
        try await withLoop { loop in
            for _ in 0..<500 {
                let (suspended, continuations) = AsyncStream.makeStream(of: Suspension<Int>.self)
                let hasFlushed = Signal()
                let task = Task(executorPreference: loop.taskExecutor) {
                    let value: Int = try await suspend { continuations.yield($0) }
                    loop.scheduleFlush(Probe(onFlush: { _ in hasFlushed.fire() }))
                    return value
                }
                for await continuation in suspended {
                    #expect(!loop.isCurrent)
                    continuation.resume(returning: 42)
                    break
                }
                await hasFlushed.wait()
                let value = try await task.value
                #expect(value == 42)
            }
        }
    }

    @Test func aSuspensionThrowsWhatItIsResumedWith() async throws {
        try await withLoop { loop in
            _ = await #expect(throws: Counter.Refusal.self) {
                try await suspend { (suspension: Suspension<Void>) in
                    loop.execute { suspension.resume(with: Result<Void, Counter.Refusal>.failure(Counter.Refusal())) }
                }
            }
        }
    }

    @Test("Tasks that are always ready leave sockets, timers and other threads their turn")
    func jobsForEver() async throws {
        try await withLoop { loop in
            let restless = Task(executorPreference: loop.taskExecutor) {
                while !Task.isCancelled { await Task.yield() }
            }
            for _ in 0..<100 { try await loop.perform {} }
            let pair = try SocketPair()
            try await readableEvent(of: pair, on: loop)
            let hasFired = Signal()
            try await loop.perform {
                let probe = Probe(onTimer: { _ in hasFired.fire() })
                loop.schedule(probe.timer, for: probe, after: .milliseconds(1))
            }
            await hasFired.wait()
            restless.cancel()
            await restless.value
        }
    }
}

/// Ignores its caller's actor; a preference for an executor holds.
@concurrent
private func isCurrentOnSharedPool(_ loop: EventLoop) async -> Bool { loop.isCurrent }

/// Like a connection: lives on a loop.
private actor Counter: LoopActor {
    struct Refusal: Error {}

    nonisolated let loop: EventLoop
    private(set) var value = 0

    init(_ loop: EventLoop) { self.loop = loop }

    func increment() {
        loop.assertCurrent()
        value += 1
    }

    func increment(with other: Counter) async {
        await other.increment()
        increment()
    }

    func isOnLoopAllTheWay() async -> Bool {
        var isOnLoop = loop.isCurrent
        await Task.yield()
        isOnLoop = isOnLoop && loop.isCurrent
        isOnLoop = await !isCurrentOnSharedPool(loop) && isOnLoop
        return isOnLoop && loop.isCurrent
    }
}

/// Lives on an executor of its own, whatever its callers prefer.
private actor Elsewhere {
    private let executor = OwnExecutor()
    private var visits = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func visit() { visits += 1 }
}
