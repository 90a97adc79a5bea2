import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("Unary calls over a retrying transport", .timeLimit(.minutes(5)))
struct RetryingTransportTests {
    private let clock = VirtualClock()
    private let policy = RetryPolicy(backoff: Backoff(jitter: .none))

    /// Moves the time on to each of `delays` as soon as somebody waits.
    private func pass(_ delays: Int...) async {
        for delay in delays {
            await clock.waitForSleepers(1)
            clock.advance(by: .milliseconds(delay - 1))
            #expect(clock.sleeperCount == 1, "it waits the whole delay of \(delay) ms")
            clock.advance(by: .milliseconds(1))
        }
    }

    @Test func aCallIsTriedAgainAndSaysHowOften() async throws {
        let (lines, events) = (Recording<String>(), Recording<ResilienceEvent>())
        let rig = try await FlakyRig([.fail(.down), .fail(.down)], clock: clock) {
            $0.retrying(policy, logger: lines.logger, clock: clock, onEvent: { events.append($0) })
        }
        async let answer = rig.connection.call(FlakyPeer.read, "hello")
        await pass(100, 200)
        #expect(try await answer == "hello")
        #expect(rig.peer.previousAttempts.all == [nil, "1", "2"])
        #expect(
            lines.all == [
                "debug retry 1/5 after 100 ms: unavailable: down (memory://flaky)",
                "debug retry 2/5 after 200 ms: unavailable: down (memory://flaky)",
            ])
        #expect(events.all.map(\.kind) == [.retried, .retried])
        #expect(events.all.first?.method == FlakyPeer.read.name)
        #expect(events.all.first?.description.contains("retry 1/5 after 100 ms: unavailable: down") == true)
    }

    @Test func theLastErrorCarriesTheAttempt() async throws {
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 9)) {
            $0.retrying(RetryPolicy(attempts: Attempts(retries: 2), backoff: .constant(.zero)), clock: clock)
        }
        let error = await #expect(throws: TransportError.self) {
            try await rig.connection.call(FlakyPeer.read, "x")
        }
        #expect(error?.attempt == 3)
        #expect(rig.peer.callCount == 3)
    }

    @Test func whatMayHaveBeenProcessedIsNotSentTwiceUnlessIdempotent() async throws {
        let rig = try await FlakyRig([.fail(.down)], clock: clock) { $0.retrying(policy, clock: clock) }
        await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.write, "x") }
        #expect(rig.peer.callCount == 1)
    }

    @Test func whatTheWireRefusedIsSentAgainAtOnceAndOnlyOnce() async throws {
        let rig = try await FlakyRig(faults: [.refused, .refused], clock: clock) {
            $0.retrying(policy, clock: clock)
        }
        async let answer = rig.connection.call(FlakyPeer.write, "hello")
        // The second refusal waits its turn.
        await pass(100)
        #expect(try await answer == "hello")
        // A transparent retry counts as no attempt.
        #expect(rig.peer.previousAttempts.all == ["1"])
    }

    @Test func transparentRetriesNeedNeitherClassNorBudget() async throws {
        let odd = TransportError(.aborted, "odd", origin: .library, processing: .notProcessed)
        let rig = try await FlakyRig(faults: [odd]) {
            $0.retrying(
                RetryPolicy(attempts: .once, retryable: []),
                budgets: RetryBudgets(RetryBudget.Limits(ratio: 0, floor: 0)), clock: clock)
        }
        #expect(try await rig.connection.call(FlakyPeer.write, "hello") == "hello")
    }

    @Test func neverMeansNever() async throws {
        let rig = try await FlakyRig(faults: [.refused]) { $0.retrying(.never, clock: clock) }
        await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
        #expect(rig.faults.heads.all.count == 1)
    }

    @Test func whatThisSideRefusedIsNotRetriedTransparently() async throws {
        let own = TransportError(.aborted, "own", origin: .local, processing: .notProcessed)
        let rig = try await FlakyRig(faults: [own]) { $0.retrying(policy, clock: clock) }
        await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
        #expect(rig.faults.heads.all.count == 1)
    }

    @Test func theServersPushbackIsHeeded() async throws {
        let rig = try await FlakyRig([.fail(.pushback("250")), .fail(.pushback("-1"))], clock: clock) {
            $0.retrying(policy, clock: clock)
        }
        let connection = rig.connection
        let failing = Task { try await connection.call(FlakyPeer.read, "x") }
        await pass(250)
        await #expect(throws: TransportError.self) { try await failing.value }
        #expect(rig.peer.callCount == 2)
    }

    @Test func theNextAttemptAvoidsThePeersThatFailed() async throws {
        let others = try (1...12).map { try Endpoint(parsing: "memory://other-\($0)") }
        let faults = others.map { TransportError(.unavailable, "x", origin: .remote, endpoint: $0) }
        let rig = try await FlakyRig(faults: faults) {
            $0.retrying(
                RetryPolicy(attempts: Attempts(retries: 20), backoff: .constant(.zero)), budgets: nil, clock: clock)
        }
        let connection = rig.connection.routed { $0.key = "kept" }
        #expect(try await connection.call(FlakyPeer.read, "x") == "x")
        let heads = rig.faults.heads.all
        #expect(heads[0].routing.avoided == [])
        #expect(heads[1].routing.avoided == [others[0]])
        #expect(heads[2].routing.avoided == [others[0], others[1]])
        #expect(heads[12].routing.avoided == Array(others.suffix(8)), "the list is bounded")
        #expect(heads.allSatisfy { $0.routing.key == "kept" })
    }

    @Test func anAttemptHasItsOwnTimeout() async throws {
        var policy = policy
        policy.perAttemptTimeout = .seconds(1)
        let rig = try await FlakyRig([.hang], clock: clock) { [policy] in $0.retrying(policy, clock: clock) }
        let deadline = Deadline.after(.seconds(10), clock: clock)
        let connection = rig.connection
        async let answer = connection.call(FlakyPeer.read, "x", deadline: deadline)
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(1))
        await pass(100)
        #expect(try await answer == "x")
        #expect(
            rig.faults.heads.all.map { $0.deadline?.remaining(now: clock.now) } == [.milliseconds(-100), .seconds(1)])
    }

    @Test func theDeadlineBoundsAllAttempts() async throws {
        // The deadline of each attempt passes on the wire's clock: on this one nobody waits but for the next attempt.
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 9), clock: VirtualClock(now: clock.now)) {
            $0.retrying(policy, clock: clock)
        }
        let connection = rig.connection
        let deadline = Deadline.after(.milliseconds(250), clock: clock)
        let failing = Task { try await connection.call(FlakyPeer.read, "x", deadline: deadline) }
        await pass(100)
        let error = await #expect(throws: TransportError.self) { try await failing.value }
        #expect(error?.code == .unavailable)
        #expect(error?.attempt == 2)
        #expect(rig.faults.heads.all.allSatisfy { $0.deadline == deadline })
    }

    @Test func cancellingEndsTheWaitAtOnce() async throws {
        let rig = try await FlakyRig([.fail(.down)], clock: clock) { $0.retrying(policy, clock: clock) }
        let connection = rig.connection
        let task = Task { try await connection.call(FlakyPeer.read, "x") }
        await clock.waitForSleepers(1)
        task.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(error?.attempt == 1)
        #expect(clock.sleeperCount == 0)
        #expect(rig.peer.callCount == 1)
    }

    @Test func aConnectionThatIsOverIsNotTriedAgain() async throws {
        let rig = try await FlakyRig { $0.retrying(policy, clock: clock) }
        await rig.connection.close(within: .zero)
        let error = await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
        #expect(error?.processing == .notProcessed)
        #expect(rig.faults.heads.all.count == 1)
    }

    @Test func connectingIsNotTriedAgain() async throws {
        let transport = InMemoryTransport(clock: clock).retrying(policy, clock: clock)
        await #expect(throws: TransportError.self) { try await transport.connect(to: "memory://nobody") }
    }

    @Test func theBudgetBoundsRetries() async throws {
        let events = Recording<ResilienceEvent>()
        let rig = try await FlakyRig(Array(repeating: .fail(.down), count: 1_000)) {
            $0.retrying(RetryPolicy(backoff: .constant(.zero)), clock: clock, onEvent: { events.append($0) })
        }
        // A second connection to the same peer has the same budget.
        let second = try await rig.transport.connect(to: rig.endpoint)
        for call in 0..<100 {
            let connection = call.isMultiple(of: 2) ? rig.connection : second
            await #expect(throws: TransportError.self) { try await connection.call(FlakyPeer.read, "x") }
        }
        // 20 % of 100 calls, the floor of 3, for the clock stands still, and one for the one call in flight.
        #expect(rig.peer.callCount == 124)
        #expect(events.count(.retried) == 24)
        #expect(events.all.contains { $0.kind == .retryBudgetExhausted })
    }

    @Test("All calls in flight are tried again, though none has earned it yet", arguments: [false, true])
    func allInFlightFailAtOnce(_ areStreams: Bool) async throws {
        let count = 200
        let turn: FlakyPeer.Turn = areStreams ? .failAfter(0, .down) : .fail(.down)
        let budgets = RetryBudgets()
        let rig = try await FlakyRig(Array(repeating: turn, count: count), clock: clock) {
            $0.retrying(policy, budgets: budgets, clock: clock)
        }
        let (connection, budget) = (rig.connection, budgets.budget(for: rig.endpoint))
        try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    guard areStreams else { return try await connection.call(FlakyPeer.read, "0") }
                    return try await connection.call(FlakyPeer.count, "1").next()
                }
            }
            await clock.waitForSleepers(count)
            #expect(budget.callsInFlight == count && rig.peer.callCount == count)
            clock.advance(by: .seconds(1))
            for try await answer in group { #expect(answer == "0") }
        }
        #expect(rig.peer.callCount == 2 * count)
        #expect(budget.callsInFlight == 0)
        // 3 of the floor, 40 earned meanwhile.
        #expect(budget.earnedRetries == -157)
    }

    @Test("Whatever fails: no more than 1.2 × calls + 4 are worked on, and no write twice", arguments: 0..<40)
    func anyFailures(_ round: Int) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let callCount = 60
        let failRate = Int.random(in: 0...100, using: &random)
        let refusalRate = Int.random(in: 0...100, using: &random)
        var script: [FlakyPeer.Turn] = []
        var faults: [TransportError?] = []
        for _ in 0..<400 {
            script.append(Int.random(in: 0..<100, using: &random) < failRate ? .fail(.down) : .answer)
            faults.append(Int.random(in: 0..<100, using: &random) < refusalRate ? .refused : nil)
        }
        let rig = try await FlakyRig(script, faults: faults) {
            $0.retrying(RetryPolicy(backoff: .constant(.zero)), clock: clock)
        }
        for call in 0..<callCount {
            let before = rig.peer.callCount
            let isWrite = Bool.random(using: &random)
            _ = try? await rig.connection.call(isWrite ? FlakyPeer.write : FlakyPeer.read, "\(call)")
            if isWrite { #expect(rig.peer.callCount - before <= 1, "seed \(seed): a write was worked on twice") }
        }
        #expect(rig.peer.callCount <= callCount * 6 / 5 + 4, "seed \(seed)")
        // Refusals that cost the peer nothing may be followed by one transparent retry each call.
        #expect(rig.faults.heads.all.count <= callCount * 11 / 5 + 4, "seed \(seed)")
    }
}
