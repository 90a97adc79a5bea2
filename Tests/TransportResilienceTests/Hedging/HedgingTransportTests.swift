import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("Calls over a hedging transport", .timeLimit(.minutes(5)))
struct HedgingTransportTests {
    private let clock = VirtualClock()
    private let policy = HedgingPolicy(copies: 3, delay: .milliseconds(100))

    private func hedged(_ script: [FlakyPeer.Turn] = [], budgets: RetryBudgets? = RetryBudgets()) async throws
        -> (rig: FlakyRig, events: Recording<ResilienceEvent>)
    {
        let events = Recording<ResilienceEvent>()
        let rig = try await FlakyRig(script, clock: clock) {
            $0.hedging(policy, budgets: budgets, clock: clock, onEvent: { events.append($0) })
        }
        return (rig, events)
    }

    private func begin(_ rig: FlakyRig, _ method: Method<Unary, String, String> = FlakyPeer.read)
        -> Task<String, any Error>
    {
        Task { [connection = rig.connection] in try await connection.call(method, "x") }
    }

    /// Returns when the peer has had so many calls.
    private func calls(_ count: Int, _ rig: FlakyRig) async {
        await rig.peer.previousAttempts.wait(count: count)
    }

    @Test func aQuickAnswerNeedsNoCopy() async throws {
        let (rig, events) = try await hedged()
        #expect(try await rig.connection.call(FlakyPeer.read, "x") == "x")
        #expect(rig.peer.callCount == 1)
        #expect(events.all.isEmpty)
        #expect(clock.sleeperCount == 0)
    }

    @Test func aLateAnswerIsOvertakenByACopyAndCancelled() async throws {
        let (rig, events) = try await hedged([.hang, .hang])
        let task = begin(rig)
        for copy in 1...2 {
            await calls(copy, rig)
            await clock.waitForSleepers(1)
            clock.advance(by: .milliseconds(99))
            #expect(rig.peer.callCount == copy)
            clock.advance(by: .milliseconds(1))
        }
        #expect(try await task.value == "x")
        #expect(rig.peer.previousAttempts.all == [nil, "1", "2"])
        await rig.peer.cancelled.wait(count: 2)
        #expect(
            events.all.map(\.description) == [
                "hedged memory://flaky /flaky.Peer/Read copy 2/3", "hedged memory://flaky /flaky.Peer/Read copy 3/3",
            ])
        #expect(clock.sleeperCount == 0)
    }

    @Test func aNonFatalErrorIsFollowedByACopyAtOnce() async throws {
        let (rig, _) = try await hedged([.fail(.down), .fail(.down)])
        #expect(try await rig.connection.call(FlakyPeer.read, "x") == "x")
        #expect(rig.peer.callCount == 3)
        #expect(rig.faults.heads.all.last?.routing.avoided == [rig.endpoint])
    }

    @Test func aFatalErrorEndsTheCallAndTheOtherCopies() async throws {
        let (rig, _) = try await hedged([.hang, .fail(TransportError(.notFound, "no"))])
        let task = begin(rig)
        await calls(1, rig)
        await clock.waitForSleepers(1)
        clock.advance(by: .milliseconds(100))
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .notFound)
        #expect(error?.attempt == 2)
        await rig.peer.cancelled.wait(count: 1)
        #expect(rig.peer.callCount == 2)
    }

    @Test func whenAllCopiesFailTheLastErrorIsTheCalls() async throws {
        let (rig, _) = try await hedged(Array(repeating: .fail(.down), count: 9))
        let error = await #expect(throws: TransportError.self) {
            try await rig.connection.call(FlakyPeer.read, "x")
        }
        #expect(error?.attempt == 3)
        #expect(rig.peer.callCount == 3)
    }

    @Test func whatIsNotIdempotentIsSentOnce() async throws {
        let (rig, _) = try await hedged([.fail(.down)])
        await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.write, "x") }
        #expect(rig.peer.callCount == 1)
    }

    @Test func theBudgetBoundsCopies() async throws {
        let (rig, events) = try await hedged(Array(repeating: .fail(.down), count: 999))
        for _ in 0..<50 {
            await #expect(throws: TransportError.self) { try await rig.connection.call(FlakyPeer.read, "x") }
        }
        #expect(rig.peer.callCount == 64, "50 calls, a fifth of that, the floor of 3, and the one in flight")
        #expect(events.all.contains { $0.kind == .retryBudgetExhausted })
    }

    @Test func cancellingCancelsAllCopies() async throws {
        let (rig, _) = try await hedged([.hang, .hang])
        let task = begin(rig)
        await calls(1, rig)
        await clock.waitForSleepers(1)
        clock.advance(by: .milliseconds(100))
        await calls(2, rig)
        task.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        await rig.peer.cancelled.wait(count: 2)
    }

    @Test func cancellingEndsAWaitWithoutACopyUnderWay() async throws {
        let (rig, _) = try await hedged([.fail(.pushback("5000"))])
        let task = begin(rig)
        await calls(1, rig)
        // The first copy's timer, and the one that the server asked for.
        await clock.waitForSleepers(2)
        task.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(rig.peer.callCount == 1)
    }

    @Test func streamsPassAsTheyAre() async throws {
        let (rig, _) = try await hedged([.failAfter(0, .down)])
        let stream = try await rig.connection.call(FlakyPeer.count, "1")
        await #expect(throws: TransportError.self) { try await stream.next() }
        #expect(rig.peer.callCount == 1)
    }
}
