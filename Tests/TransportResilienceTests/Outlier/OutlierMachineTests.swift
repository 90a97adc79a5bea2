import NodeTransport
import Testing

@testable import TransportResilience

@Suite("Outlier ejection")
struct OutlierMachineTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    private func eject(_ machine: inout OutlierMachine, _ peer: Int, of peers: Int = 10, at seconds: Int) -> Duration? {
        (0..<5).compactMap { _ in machine.failed(peer, of: peers, now: at(seconds)) }.last
    }

    @Test func fiveFailuresInARowEject() {
        var machine = OutlierMachine(policy: .default)
        for _ in 0..<4 { #expect(machine.failed(1, of: 10, now: at(0)) == nil) }
        machine.succeeded(1)
        for _ in 0..<4 { #expect(machine.failed(1, of: 10, now: at(0)) == nil) }
        #expect(!machine.isEjected(1))
        #expect(machine.failed(1, of: 10, now: at(0)) == .seconds(30))
        #expect(machine.isEjected(1))
        #expect(machine.nextSweep == at(10))
    }

    @Test("A peer returns at the first sweep after its time; the next time it is out for longer, up to a limit")
    func returns() {
        var machine = OutlierMachine(policy: .default)
        var now = 0
        for times in 1...13 {
            let length = min(30 * times, 300)
            #expect(eject(&machine, 1, at: now) == .seconds(length))
            while machine.isEjected(1) {
                now += 10
                let returned = machine.sweep(now: at(now))
                #expect(returned == (machine.isEjected(1) ? [] : [1]))
            }
        }
    }

    @Test("Each sweep at which a peer is well takes back one step, and then nothing is left to sweep")
    func forgives() {
        var machine = OutlierMachine(policy: .default)
        #expect(eject(&machine, 1, at: 0) == .seconds(30))
        for now in [10, 20, 30] { _ = machine.sweep(now: at(now)) }
        #expect(!machine.isEjected(1))
        #expect(eject(&machine, 1, at: 30) == .seconds(60))
        for now in stride(from: 40, through: 90, by: 10) { _ = machine.sweep(now: at(now)) }
        #expect(!machine.isEjected(1))
        #expect(machine.nextSweep == at(100))
        _ = machine.sweep(now: at(100))
        _ = machine.sweep(now: at(110))
        #expect(machine.nextSweep == nil)
        #expect(eject(&machine, 1, at: 120) == .seconds(30))
    }

    @Test("Never more than the share is out, and never the only peer", arguments: randomSeeds)
    func share(seed: UInt64) {
        var random = PickRandom(seed: seed)
        for (peers, most) in [(1, 0), (2, 1), (9, 1), (10, 1), (19, 1), (20, 2), (35, 3)] {
            var machine = OutlierMachine(policy: .default)
            var seen = 0
            for step in 0..<3000 {
                let peer = Int.random(in: 0..<peers, using: &random)
                if Int.random(in: 0..<20, using: &random) == 0 {
                    machine.succeeded(peer)
                } else {
                    _ = machine.failed(peer, of: peers, now: at(step))
                }
                _ = machine.sweep(now: at(step))
                seen = max(seen, machine.ejectedCount)
                #expect(machine.ejectedCount <= most, "of \(peers)")
            }
            #expect(seen == most, "of \(peers)")
        }
    }

    @Test func whatWasUnderWayCountsForNothing() {
        var machine = OutlierMachine(policy: .default)
        #expect(eject(&machine, 1, at: 0) != nil)
        #expect(eject(&machine, 1, at: 1) == nil)
        machine.succeeded(1)
        #expect(machine.isEjected(1))
        #expect(machine.takeBack(1) && !machine.isEjected(1) && !machine.takeBack(1))
    }

    @Test(
        "What speaks against a peer",
        arguments: [
            (StatusCode.unavailable, TransportError.Origin.library, true), (.unavailable, .remote, true),
            (.unavailable, .local, false), (.internal, .remote, true), (.unknown, .remote, true),
            (.deadlineExceeded, .local, true), (.deadlineExceeded, .remote, true), (.cancelled, .local, false),
            (.resourceExhausted, .remote, false), (.permissionDenied, .remote, false), (.notFound, .remote, false),
        ])
    func failures(code: StatusCode, origin: TransportError.Origin, counts: Bool) {
        #expect(OutlierPolicy.countsAsFailure(TransportError(code, "x", origin: origin)) == counts)
        #expect(
            !OutlierPolicy.countsAsFailure(TransportError(code, "x", origin: origin, processing: .notProcessed)))
    }

    @Test func strangePoliciesAreBroughtIntoRange() {
        let policy = OutlierPolicy(
            failuresInARow: -1, sweepInterval: .zero, ejection: .seconds(-5), maximumEjection: .zero,
            maximumEjectedShare: .nan)
        #expect(policy.failuresInARow == 1 && policy.maximumEjectedShare == 0)
        #expect(policy.sweepInterval > .zero && policy.ejection > .zero && policy.maximumEjection >= policy.ejection)
    }
}
