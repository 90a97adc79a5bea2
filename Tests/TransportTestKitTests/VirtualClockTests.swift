import Synchronization
import Testing
import TransportTestKit

@Suite("The virtual clock", .timeLimit(.minutes(5)))
struct VirtualClockTests {
    private let clock = VirtualClock()

    @Test func standsStillUntilItIsMoved() {
        let start = clock.now
        #expect(clock.now == start)
        clock.advance(by: .seconds(3))
        #expect(start.duration(to: clock.now) == .seconds(3))
        clock.advance(by: .seconds(-1))
        #expect(start.duration(to: clock.now) == .seconds(3))
    }

    @Test func sleepersWakeWhenTheirTimeHasCome() async throws {
        let (clock, start) = (clock, clock.now)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for second in [3, 1, 2] {
                group.addTask {
                    try await clock.sleep(until: start.advanced(by: .seconds(second)))
                    return second
                }
            }
            await clock.waitForSleepers(3)
            var woken: [Int?] = []
            for _ in 1...3 {
                #expect(clock.nextWakeUp == start.advanced(by: .seconds(woken.count + 1)))
                clock.advance(by: .seconds(1))
                woken.append(try await group.next())
            }
            #expect(woken == [1, 2, 3])
        }
    }

    @Test func sleepingUntilThePastReturnsAtOnce() async throws {
        try await clock.sleep(until: clock.now)
        try await clock.sleep(until: clock.now.advanced(by: .seconds(-1)))
    }

    @Test func aCancelledSleeperWakesWithAnError() async {
        let clock = clock
        let task = Task { try await clock.sleep(for: .seconds(1)) }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(clock.sleeperCount == 0)
    }

    @Test func waitingForSleepersEndsWithTheTask() async {
        let clock = clock
        let task = Task { await clock.waitForSleepers(99) }
        task.cancel()
        await task.value
    }
}
