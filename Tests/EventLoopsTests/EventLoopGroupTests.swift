import EventLoops
import Foundation
import Testing

@Suite("Groups of loops", .timeLimit(.minutes(5)))
struct EventLoopGroupTests {
    @Test(arguments: [(-1, 1), (0, 1), (1, 1), (3, 3)])
    func haveAtLeastOneLoop(asked: Int, made: Int) async throws {
        try await withLoops(asked) { group in
            #expect(group.loops.map(\.index) == Array(0..<made))
        }
    }

    @Test func takeTurnsOffTheLoopsAndStayOnThem() async throws {
        try await withLoops(3) { group in
            let turns = (0..<6).map { _ in group.next().index }
            #expect(Set(turns.prefix(3)) == [0, 1, 2])
            #expect(turns.prefix(3) == turns.suffix(3))
            for loop in group.loops {
                let next = try await loop.perform { group.next().index }
                #expect(next == loop.index)
            }
        }
    }

    @Test func doNotTakeTheLoopOfAnotherGroupForTheirOwn() async throws {
        try await withLoops(1) { other in
            try await withLoops(1) { group in
                let isOwn = try await other.loops[0].perform { group.next() === group.loops[0] }
                #expect(isOwn)
            }
        }
    }

    @Test func runWhatIsReadyBeforeTheyStop() throws {
        let group = try EventLoopGroup(count: 2)
        let log = Log<Int>()
        for number in 0..<1_000 { group.loops[number % 2].execute { log.append(number) } }
        group.loops[0].execute {
            _ = Task(executorPreference: group.loops[0].taskExecutor) {
                for _ in 0..<100 { await Task.yield() }
                log.append(1_000)
            }
        }
        group.stop()
        let isComplete = log.entries.sorted() == Array(0...1_000)
        #expect(isComplete)
    }

    @Test func stopAlthoughATaskNeverEnds() throws {
        let group = try EventLoopGroup(count: 1)
        let log = Log<String>()
        _ = Task(executorPreference: group.loops[0].taskExecutor) {
            log.append("running")
            while true { await Task.yield() }
        }
        group.stop()
        #expect(log.entries == ["running"])
    }

    @Test func goAwayWhenStopped() async throws {
        weak var loop: EventLoop?
        weak var executor: LoopTaskExecutor?
        do {
            let group = try EventLoopGroup(count: 1)
            loop = group.loops[0]
            executor = group.loops[0].taskExecutor
            try await group.loops[0].perform {}
            group.stop()
        }
        #expect(loop == nil)
        #expect(executor == nil)
    }

    @Test("Stopped loops leave no descriptor and no memory behind")
    func leaveNothingBehind() async {
        // In a process of its own, where no other test opens descriptors.
        await #expect(processExitsWith: .success) {
            func openDescriptors() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            }
            let before = try openDescriptors()
            for _ in 0..<50 {
                let group = try EventLoopGroup(count: 2)
                for loop in group.loops {
                    try await loop.perform { unsafe precondition(loop.plaintextBuffer.count == loop.readBuffer.count) }
                }
                group.stop()
            }
            // The libraries may have opened a few; a leak would be of 200.
            try #require(try openDescriptors() < before + 20)
        }
    }

    @Test("A group that cannot start all its loops throws, and leaves none of them behind")
    func outOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let threads = { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
            let before = try threads()
            limit.rlim_cur = 40
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            #expect(throws: LoopError.self) { try EventLoopGroup(count: 40) }
            // The libraries may have started a few; left behind would be a dozen. One that has ended is listed a while longer
            // than it takes to join it.
            let patience = ContinuousClock.now.advanced(by: .seconds(60))
            while try threads() >= before + 5, ContinuousClock.now < patience { sched_yield() }
            try #require(try threads() < before + 5)
        }
    }
}
