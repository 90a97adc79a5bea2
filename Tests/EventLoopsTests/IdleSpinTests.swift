import Testing

@testable import EventLoops

@Suite(.timeLimit(.minutes(5))) struct IdleSpinTests {
    @Test func aLoopLooksForEventsOnceSeveralWaitsWereShort() {
        var spin = IdleSpin()
        for _ in 0..<IdleSpin.shortWaitsBefore {
            #expect(spin.time == 0)
            spin.slept(IdleSpin.shortWait)
        }
        #expect(spin.time == IdleSpin.longest)
        spin.slept(0)
        #expect(spin.time == IdleSpin.longest)
    }

    @Test("A long wait, or a thread that wants the processor, makes it sleep until waits are short again")
    func ends() {
        let long = { (spin: inout IdleSpin) in spin.slept(IdleSpin.shortWait + 1) }
        let crowded = { (spin: inout IdleSpin) in spin.gaveWay() }
        for end in [long, crowded] { expectEnd(by: end) }
    }

    private func expectEnd(by end: (inout IdleSpin) -> Void) {
        var spin = IdleSpin()
        for _ in 0..<2 {
            for _ in 0..<IdleSpin.shortWaitsBefore { spin.slept(1) }
            #expect(spin.time > 0)
            end(&spin)
            for _ in 1..<IdleSpin.shortWaitsBefore {
                #expect(spin.time == 0)
                spin.slept(1)
            }
            #expect(spin.time == 0)
            end(&spin)
        }
    }

    /// Two loops that answer each other at once look for each other's events: nothing is lost between looking and sleeping.
    @Test func workOfOtherThreadsIsFoundWhileTheLoopLooksForEvents() async throws {
        try await withLoops(2) { group in
            var count = 0
            for _ in 0..<20_000 { count = try await group.loops[1].perform { [count] in count + 1 } }
            #expect(count == 20_000)
            try await withThrowingTaskGroup(of: Int.self) { tasks in
                for (one, other) in [(0, 1), (1, 0)] {
                    tasks.addTask(executorPreference: group.loops[one].taskExecutor) {
                        var count = 0
                        for _ in 0..<5_000 { count = try await group.loops[other].perform { [count] in count + 1 } }
                        return count
                    }
                }
                let count = try await tasks.reduce(0, +)
                #expect(count == 10_000)
            }
        }
    }
}
