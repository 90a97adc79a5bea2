import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

@Suite("The hedging machine")
struct HedgingMachineTests {
    private static let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        Self.start.advanced(by: .milliseconds(milliseconds))
    }

    private func machine(copies: Int = 3, deadline: Int? = nil) -> HedgingMachine {
        HedgingMachine(
            HedgingPolicy(copies: copies, delay: .milliseconds(100)), deadline: deadline.map { Deadline(at($0)) },
            now: Self.start)
    }

    private func fails(_ machine: inout HedgingMachine, _ error: any Error, _ now: Int) -> Bool {
        !machine.failed(with: error, now: at(now))
    }

    @Test func copiesFollowAfterTheDelay() {
        var machine = machine()
        #expect(machine.nextCopyAt == at(100))
        #expect(!machine.isDue(now: at(99)))
        #expect(machine.isDue(now: at(100)))
        machine.sent(now: at(100))
        #expect(machine.nextCopyAt == at(200))
        machine.sent(now: at(200))
        #expect(machine.nextCopyAt == nil)
        #expect(machine.sentCount == 3 && machine.pendingCount == 3)
    }

    @Test func afterANonFatalErrorTheNextCopyIsSentAtOnce() {
        var machine = machine()
        let ends = fails(&machine, TransportError.down, 10)
        #expect(!ends)
        #expect(machine.nextCopyAt == at(10))
    }

    @Test func aFatalErrorEndsTheCall() {
        var machine = machine()
        machine.sent(now: at(100))
        let ends = fails(&machine, TransportError(.invalidArgument, "x"), 110)
        #expect(ends)
    }

    @Test func theLastCopysErrorEndsTheCall() {
        var machine = machine(copies: 2)
        machine.sent(now: at(100))
        let first = fails(&machine, TransportError.down, 110)
        #expect(!first, "the other copy may still succeed")
        let second = fails(&machine, TransportError.down, 120)
        #expect(second)
        #expect(machine.isOver)
    }

    @Test func pushbackMovesTheNextCopy() {
        var machine = machine()
        let ends = fails(&machine, TransportError.pushback("500"), 10)
        #expect(!ends)
        #expect(machine.nextCopyAt == at(510))
    }

    @Test("Push-back that forbids, or asks for too long, ends the copies", arguments: ["-1", "soon", "60001"])
    func pushbackForbids(text: String) {
        var alone = machine()
        let ends = fails(&alone, TransportError.pushback(text), 10)
        #expect(ends)
        var other = machine()
        other.sent(now: at(100))
        let endsToo = fails(&other, TransportError.pushback(text), 110)
        #expect(!endsToo, "the other copy goes on")
        #expect(other.nextCopyAt == nil)
    }

    @Test func noCopyIsSentAfterTheDeadline() {
        #expect(machine(deadline: 100).nextCopyAt == nil)
        #expect(machine(deadline: 101).nextCopyAt == at(100))
    }

    @Test("Whatever happens: no more copies than allowed, and it ends when all have", arguments: 0..<100)
    func chance(_ round: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let copies = Int.random(in: 2...5, using: &random)
        var machine = machine(copies: copies, deadline: Bool.random(using: &random) ? 5_000 : nil)
        var now = 0
        for _ in 0..<100 {
            guard !machine.isOver else { break }
            now += Int.random(in: 0...300, using: &random)
            if machine.isDue(now: at(now)) {
                if Int.random(in: 0..<4, using: &random) == 0 { machine.stop() } else { machine.sent(now: at(now)) }
            } else if machine.pendingCount > 0, Bool.random(using: &random) {
                let errors: [TransportError] = [.down, .refused, .pushback("70"), .pushback("-1")]
                let ends = fails(&machine, errors[Int.random(in: 0..<4, using: &random)], now)
                #expect(ends == machine.isOver, "seed \(seed)")
            }
            #expect(machine.sentCount <= copies && machine.pendingCount >= 0, "seed \(seed)")
            #expect(machine.isOver || machine.pendingCount > 0 || machine.nextCopyAt != nil, "seed \(seed)")
        }
    }
}
