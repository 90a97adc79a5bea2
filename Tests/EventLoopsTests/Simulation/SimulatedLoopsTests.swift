import Synchronization
import Testing

@testable import EventLoops

@Suite("Loops of a simulation", .timeLimit(.minutes(5)))
struct SimulatedLoopsTests {
    @Test func skipTheTimeInWhichNothingHappens() async throws {
        try await withSimulation(loops: 2) { world, loops in
            let (log, isOver) = (Log<String>(), Signal())
            for (index, seconds) in [(0, 3_600), (1, 60), (0, 7_200)] {
                try await loops[index].perform {
                    let probe = Probe(onTimer: { _ in
                        log.append("\(index) at \(loops[index].now / 1_000_000_000)")
                        if seconds == 7_200 { isOver.fire() }
                    })
                    loops[index].schedule(probe.timer, for: probe, after: .seconds(seconds))
                }
            }
            world.mayMove.withLock { $0 = true }
            loops[0].execute {}
            await isOver.wait()
            #expect(log.entries == ["1 at 61", "0 at 3601", "0 at 7201"])
        }
    }

    @Test func doNotMoveTheTimeWhileTheyHaveWork() async throws {
        try await withSimulation(loops: 1) { world, loops in
            let loop = loops[0]
            world.mayMove.withLock { $0 = true }
            // Both begin in one turn, so that no time can pass between them.
            let before = try await Task(executorPreference: loop.taskExecutor) {
                let before = loop.now
                async let slept: Void = loop.sleep(for: .seconds(5))
                for _ in 0..<10_000 { await Task.yield() }
                let after = loop.now
                try await slept
                #expect(loop.now == before + 5_000_000_000)
                #expect(after == before)
                return before
            }.value
            #expect(before >= 1_000_000_000)
        }
    }

    @Test func taskExecutorsOfSeveralLoopsMixOnOneThread() async throws {
        try await withSimulation(loops: 3) { _, loops in
            let sum = try await Task(executorPreference: loops[0].taskExecutor) {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<300 {
                        group.addTask(executorPreference: loops[number % 3].taskExecutor) {
                            #expect(loops[number % 3].isCurrent)
                            await Task.yield()
                            return try await loops[(number + 1) % 3].perform { number }
                        }
                    }
                    return try await group.reduce(0, +)
                }
            }.value
            #expect(sum == 300 * 299 / 2)
        }
    }

    @Test func aPausedLoopHasNoTurns() async throws {
        try await withSimulation(loops: 2) { world, loops in
            let log = Log<Int>()
            world.group?.setPaused(true, loops[0])
            try await takeEffect(on: loops[1])
            loops[0].execute { log.append(0) }
            try await loops[1].perform { log.append(1) }
            try await loops[1].perform { log.append(2) }
            #expect(log.entries == [1, 2])
            world.group?.setPaused(false, loops[0])
            try await loops[0].perform { log.append(3) }
            #expect(log.entries == [1, 2, 0, 3])
        }
    }

    @Test func aSlowLoopHasATurnFromTimeToTime() async throws {
        try await withSimulation(loops: 2) { world, loops in
            world.mayMove.withLock { $0 = true }
            world.group?.setTurnCost(1_000_000_000, loops[0])
            try await takeEffect(on: loops[1])
            let beginning = world.now
            for _ in 0..<5 { try await loops[0].perform {} }
            // The first turn is not late; the thread may have had one before.
            let took = world.now - beginning
            #expect((4_000_000_000...6_000_000_000).contains(took), "\(took)")
            try await loops[1].perform {}
            #expect(world.now - beginning == took, "another loop is none the slower")
        }
    }

    /// A round of turns that is under way goes by what was said before: the second turn of `other` is in a round that began
    /// since.
    private func takeEffect(on other: EventLoop) async throws {
        for _ in 0..<2 { try await other.perform {} }
    }

    private func withSimulation(
        loops count: Int, _ body: (World, [EventLoop]) async throws -> Void
    ) async throws {
        let world = World()
        let group = try SimulatedLoops(world)
        world.content.withLock { $0.group = group }
        let loops = (0..<count).map { EventLoop(index: $0, kernel: world) }
        for loop in loops { group.add(loop) }
        try group.start()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(world, loops))
        } catch {
            outcome = .failure(error)
        }
        group.stop()
        world.content.withLock { $0.group = nil }
        try outcome.get()
    }
}

/// A clock, and no network.
private final class World: LoopSimulation, SimulatedKernel {
    struct Content {
        var now: Int64 = 1_000_000_000
        var group: SimulatedLoops?
    }

    let content = Mutex(Content())
    let mayMove = Mutex(false)
    private let beginning = ContinuousClock.now

    var group: SimulatedLoops? { content.withLock { $0.group } }
    var now: Int64 { content.withLock { $0.now } }
    var instant: ContinuousClock.Instant { beginning.advanced(by: .nanoseconds(now)) }
    var nextEvent: Int64? { nil }

    func advance(to time: Int64) { content.withLock { $0.now = max($0.now, time) } }
    func mayAdvance(to next: Int64?) -> Bool { mayMove.withLock { $0 } }
    func runsHot() { Issue.record("the loops run hot") }
    func isStalled() { Issue.record("the loops are stalled") }
    func withTime(_ body: () -> Void) { body() }

    func bind(_ address: InternetAddress, connectedTo remote: InternetAddress?) throws(LoopError) -> any SimulatedPort {
        throw LoopError(operation: "bind", errno: 1)
    }

    func addresses(of name: String, port: UInt16) -> [InternetAddress] { [] }
    func wake() { group?.wake() }
}
