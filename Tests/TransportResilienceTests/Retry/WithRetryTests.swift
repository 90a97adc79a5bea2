import Logging
import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("withRetry", .timeLimit(.minutes(5)))
struct WithRetryTests {
    private let clock = VirtualClock()

    @Test func aFirstSuccessIsReturned() async throws {
        let value = try await withRetry(operation: "test", clock: clock) { attempt in attempt }
        #expect(value == 1)
    }

    @Test func itWaitsBetweenAttemptsAndLogsEachRetry() async throws {
        let lines = Recorder<String>()
        var policy = RetryPolicy.default
        policy.backoff = Backoff(jitter: .none)
        let logger = lines.logger
        async let result = withRetry(
            policy, operation: "submit", isIdempotent: true, logger: logger, clock: clock
        ) { attempt in
            if attempt < 4 { throw TransportError(.unavailable, "down") }
            return attempt
        }
        for milliseconds in [100, 200, 400] {
            await clock.waitForSleepers(1)
            clock.advance(by: .milliseconds(milliseconds - 1))
            #expect(clock.sleeperCount == 1, "it waits the whole delay")
            clock.advance(by: .milliseconds(1))
        }
        #expect(try await result == 4)
        #expect(
            lines.all == [
                "debug retry 1/5 after 100 ms: unavailable: down", "debug retry 2/5 after 200 ms: unavailable: down",
                "debug retry 3/5 after 400 ms: unavailable: down",
            ])
    }

    @Test func theLastErrorCarriesTheAttempt() async throws {
        let policy = RetryPolicy(attempts: Attempts(retries: 2), backoff: .constant(.zero))
        let error = await #expect(throws: TransportError.self) {
            try await withRetry(policy, operation: "test", isIdempotent: true, clock: clock) { _ in
                throw TransportError(.unavailable, "down")
            }
        }
        #expect(error?.attempt == 3)
        #expect(error?.code == .unavailable)
    }

    @Test func anotherErrorIsThrownAsItIs() async throws {
        struct Odd: Error {}
        await #expect(throws: Odd.self) {
            try await withRetry(operation: "test", isIdempotent: true, clock: clock) { _ in throw Odd() }
        }
    }

    @Test func cancellingEndsTheWait() async throws {
        let clock = clock
        let task = Task {
            try await withRetry(operation: "test", isIdempotent: true, clock: clock) { _ in
                throw TransportError(.unavailable, "down")
            }
        }
        await clock.waitForSleepers(1)
        task.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(error?.attempt == 1)
        #expect(clock.sleeperCount == 0)
    }

    @Test func aCancelledTaskIsNotRetried() async throws {
        let clock = clock
        let attempts = Recorder<Int>()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await withRetry(operation: "test", isIdempotent: true, clock: clock) { attempt in
                    attempts.append(attempt)
                    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    throw TransportError(.unavailable, "down")
                }
            }
        }
        #expect(attempts.all == [1])
    }

    @Test func theDeadlineBoundsAllAttemptsAndIsInherited() async throws {
        let clock = clock
        let seen = Recorder<Deadline?>()
        let deadline = Deadline.after(.milliseconds(250), clock: clock)
        let policy = RetryPolicy(backoff: .constant(.milliseconds(100)))
        let task = Task {
            try await withRetry(policy, operation: "test", isIdempotent: true, deadline: deadline, clock: clock) { _ in
                seen.append(Deadline.current)
                throw TransportError(.unavailable, "down")
            }
        }
        for _ in 0..<2 {
            await clock.waitForSleepers(1)
            clock.advance(by: .milliseconds(100))
        }
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.attempt == 3)
        #expect(seen.all == [deadline, deadline, deadline])
    }

    @Test("A call over a transport that is down, then up")
    func aroundACall() async throws {
        let echo = Method<Unary, String, String>("test.Echo", "Unary", request: .utf8, response: .utf8)
        struct Echo: Service {
            let handlers: [MethodHandler]
        }
        let (clock, transport) = (clock, InMemoryTransport())
        async let answer = withRetry(operation: "connect", clock: clock) { _ in
            // Nobody listened: the error proves that nothing was processed, so idempotency does not matter.
            try await transport.connect(to: "memory://late").call(echo, "hello")
        }
        await clock.waitForSleepers(1)
        _ = try await transport.listen(
            on: "memory://late", services: [Echo(handlers: [echo.handle { text, _ in text }])])
        clock.advance(by: .seconds(5))
        #expect(try await answer == "hello")
        await transport.shutdown(within: .zero)
    }
}

/// A list that tasks append to.
private final class Recorder<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var all: [Element] { list.withLock { $0 } }

    func append(_ element: Element) { list.withLock { $0.append(element) } }
}

extension Recorder<String> {
    /// Writes its lines here.
    var logger: Logger {
        var logger = Logger(label: "test") { _ in RecordingHandler(lines: self) }
        logger.logLevel = .trace
        return logger
    }
}

private struct RecordingHandler: LogHandler {
    let lines: Recorder<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
}
