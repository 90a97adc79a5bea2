import NodeTransport
import Testing
import TransportTestKit

@Suite("Deadlines", .timeLimit(.minutes(5)))
struct DeadlineTests {
    private let now = ContinuousClock.now

    private func deadline(in duration: Duration) -> Deadline { Deadline(now.advanced(by: duration)) }

    @Test func knowWhatIsLeft() {
        #expect(deadline(in: .seconds(2)).remaining(now: now) == .seconds(2))
        #expect(deadline(in: .seconds(-2)).remaining(now: now) == .seconds(-2))
        #expect(deadline(in: .zero).hasPassed(now: now))
        #expect(!deadline(in: .nanoseconds(1)).hasPassed(now: now))
        #expect(deadline(in: .seconds(1)) < deadline(in: .seconds(2)))
    }

    @Test func takeAnyClock() {
        let clock = VirtualClock()
        #expect(Deadline.after(.seconds(3), clock: clock).instant == clock.now.advanced(by: .seconds(3)))
    }

    @Test func goByTheTimeOfASimulation() async {
        let virtual = now.advanced(by: .seconds(-1_000))
        await Deadline.$timeSource.withValue(Deadline.TimeSource { virtual }) {
            #expect(Deadline.now == virtual)
            #expect(Deadline.after(.seconds(3)).instant == virtual.advanced(by: .seconds(3)))
            #expect(Deadline.after(.seconds(3)).remaining() == .seconds(3))
            #expect(!Deadline.after(.nanoseconds(1)).hasPassed())
            #expect(await Task { Deadline.now }.value == virtual, "and so does what its tasks start")
        }
        #expect(Deadline.now >= now)
        #expect(Deadline.after(.seconds(-1)).hasPassed())
    }

    @Test func areAsRequestedOutsideOfHandlers() {
        #expect(Deadline.current == nil)
        #expect(Deadline.effective(nil, now: now) == nil)
        #expect(Deadline.effective(deadline(in: .seconds(1)), now: now) == deadline(in: .seconds(1)))
    }

    @Test(
        "are inherited less a margin",
        arguments: [
            (Duration.seconds(10), Duration.milliseconds(9995)), (.milliseconds(20), .milliseconds(18)),
            (.zero, .zero), (.seconds(-1), .seconds(-1)),
        ])
    func inheritance(inherited: Duration, expected: Duration) {
        Deadline.$current.withValue(deadline(in: inherited)) {
            #expect(Deadline.effective(nil, now: now) == deadline(in: expected))
        }
    }

    @Test func theEarlierOneCounts() {
        Deadline.$current.withValue(deadline(in: .seconds(10))) {
            #expect(Deadline.effective(deadline(in: .seconds(1)), now: now) == deadline(in: .seconds(1)))
            #expect(Deadline.effective(deadline(in: .seconds(60)), now: now) == deadline(in: .milliseconds(9995)))
        }
    }
}
