import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("Requests for a look-up reach the resolver", .timeLimit(.minutes(5)))
struct ResolutionRequestsTests {
    private let requests = ResolutionRequests()
    private let clock = VirtualClock()

    @Test func `Requests made while nobody waits are one, and are answered once`() async throws {
        requests.request()
        requests.request()
        #expect(try await requests.next())
        requests.request()
        #expect(try await requests.next(until: clock.now.advanced(by: .seconds(1)), clock: clock))
        // The clock stands at the instant waited for.
        #expect(try await requests.next(until: clock.now, clock: clock) == false)
    }

    @Test func `A time-out is no end: the same reader waits again`() async throws {
        for _ in 0..<3 {
            async let answer = requests.next(until: clock.now.advanced(by: .seconds(5)), clock: clock)
            await clock.waitForSleepers()
            clock.advance(by: .seconds(5))
            #expect(try await answer == false)
        }
        async let answer = requests.next(until: clock.now.advanced(by: .seconds(5)), clock: clock)
        await clock.waitForSleepers()
        requests.request()
        #expect(try await answer)
        #expect(clock.sleeperCount == 0)
    }

    @Test func `A reader that is cancelled throws, and takes no request from the next reader`() async throws {
        for instant in [nil, clock.now.advanced(by: .seconds(1))] {
            let reader = Task { [requests, clock] in try await requests.next(until: instant, clock: clock) }
            if instant != nil { await clock.waitForSleepers() }
            reader.cancel()
            await #expect(throws: CancellationError.self) { try await reader.value }
            requests.request()
            #expect(try await requests.next())
        }
    }

    @Test func `No request is lost while readers time out`() async throws {
        // The clock stands still, so each wait either finds a request or times out at once, in a race with the writer.
        let answered = Mutex(0)
        for _ in 0..<200 {
            async let asks: Void = { [requests] in requests.request() }()
            let now = clock.now
            while try await !requests.next(until: now, clock: clock) { await Task.yield() }
            await asks
            answered.withLock { $0 += 1 }
        }
        #expect(answered.withLock { $0 } == 200)
        #expect(try await requests.next(until: clock.now, clock: clock) == false)
    }
}
