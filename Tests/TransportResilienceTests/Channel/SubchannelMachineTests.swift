import NodeTransport
import Testing

@testable import TransportResilience

@Suite("The machine of the way to one peer")
struct SubchannelMachineTests {
    private let start = ContinuousClock.now
    private let backoff = Backoff(
        initialDelay: .seconds(1), multiplier: 2, maximumDelay: .seconds(8), jitter: .none)
    private let error = TransportError(.unavailable, "down")

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    private func fail(_ machine: inout SubchannelMachine, at seconds: Double) -> Bool {
        machine.failed(attempt: machine.attempt, with: error, now: at(seconds), backoff: backoff, chance: 0.5)
    }

    private func lose(_ machine: inout SubchannelMachine, at seconds: Double) -> Bool {
        machine.lost(attempt: machine.attempt, with: error, now: at(seconds), backoff: backoff, chance: 0.5)
    }

    private func timer(_ machine: SubchannelMachine) -> ContinuousClock.Instant? {
        machine.nextTimer(attemptTimeout: .seconds(20))
    }

    @Test func failedAttemptsAreBackedOff() {
        var machine = SubchannelMachine()
        #expect(machine.isIdle && machine.isPromising && timer(machine) == nil)
        var now = 0.0
        for (attempt, delay) in [1.0, 2, 4, 8, 8].enumerated() {
            #expect(machine.start(attempt: attempt + 1, now: at(now)) == true)
            #expect(machine.start(attempt: attempt + 9, now: at(now)) == false)
            #expect(timer(machine) == at(now + 20))
            #expect(machine.isPromising == (attempt == 0), "who has failed before promises nothing")
            // What the attempt took counts.
            #expect(fail(&machine, at: now + 0.5))
            #expect(timer(machine) == at(now + delay))
            #expect(machine.passTime(now: at(now + delay - 0.1)) == false)
            #expect(machine.passTime(now: at(now + delay)) && machine.isIdle)
            now += delay
        }
        #expect(machine.start(attempt: 7, now: at(now)) && machine.connected(attempt: 7, now: at(now)))
        #expect(machine.isReady && machine.failures == 0 && machine.lastError == nil)
    }

    @Test("An attempt that took longer than its delay is followed by the next at once")
    func longAttempt() {
        var machine = SubchannelMachine()
        #expect(machine.start(attempt: 1, now: at(0)) == true)
        #expect(fail(&machine, at: 5) && machine.isIdle && !machine.isPromising)
    }

    @Test("Without a delay there is a small one all the same")
    func leastDelay() {
        var machine = SubchannelMachine()
        _ = machine.start(attempt: 1, now: at(0))
        let isNews = machine.failed(attempt: 1, with: error, now: at(0), backoff: .constant(.zero), chance: 0)
        #expect(isNews && timer(machine) == at(0.001))
    }

    @Test func aConnectionThatHadLastedIsReplacedAtOnce() {
        var machine = SubchannelMachine()
        for round in 1...4 {
            let now = Double(round) * 100
            #expect(machine.start(attempt: round, now: at(now)) && machine.connected(attempt: round, now: at(now)))
            #expect(lose(&machine, at: now + 50) && machine.isIdle && machine.isPromising)
        }
    }

    @Test("A peer that hangs up again and again is called back at once, then with delays, until a connection lasts")
    func flapping() {
        var machine = SubchannelMachine()
        var now = 0.0
        for (index, delay) in [0.0, 1, 2, 4, 8, 8].enumerated() {
            #expect(machine.start(attempt: index, now: at(now)) && machine.connected(attempt: index, now: at(now)))
            #expect(lose(&machine, at: now + 0.1))
            #expect(timer(machine) == (delay == 0 ? nil : at(now + delay)))
            now += delay
            #expect(delay == 0 || machine.passTime(now: at(now)))
        }
        #expect(machine.start(attempt: 9, now: at(now)) && machine.connected(attempt: 9, now: at(now)))
        #expect(lose(&machine, at: now + 8) && machine.isIdle && machine.losses == 0)
    }

    @Test func whatComesTooLateChangesNothing() {
        var machine = SubchannelMachine()
        #expect(machine.connected(attempt: 0, now: at(0)) == false)
        #expect(machine.start(attempt: 1, now: at(0)) == true)
        machine.release()
        #expect(machine.isIdle)
        #expect(!machine.connected(attempt: 1, now: at(1)) && !fail(&machine, at: 1))
        #expect(machine.start(attempt: 2, now: at(2)) == true)
        #expect(machine.connected(attempt: 1, now: at(3)) == false)
        #expect(machine.connected(attempt: 2, now: at(3)) == true)
        let isNews = machine.lost(attempt: 1, with: error, now: at(4), backoff: backoff, chance: 0.5)
        #expect(!isNews && machine.isReady)
        machine.shutDown()
        machine.release()
        #expect(!lose(&machine, at: 5) && !machine.start(attempt: 3, now: at(5)) && timer(machine) == nil)
    }
}
