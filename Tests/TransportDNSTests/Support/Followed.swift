import NodeTransport
import Synchronization
import Testing
import TransportDNS
import TransportResilience
import TransportTestKit

/// A resolver at work on a virtual clock, and what it reports.
final class Followed: Sendable {
    let clock: VirtualClock
    let requests = ResolutionRequests()
    // Sound: one test reads one after the other.
    private let reports: Mutex<AsyncStream<Result<[ResolvedPeer], TransportError>>.Iterator>
    private let task: Task<Void, Never>

    /// - Parameter make: The resolver, on the clock.
    init(_ target: String, _ make: (VirtualClock) throws -> DNSResolver) throws {
        let clock = VirtualClock()
        self.clock = clock
        let resolver = try make(clock)
        let target = try Endpoint(parsing: target)
        let (stream, continuation) = AsyncStream.makeStream(
            of: Result<[ResolvedPeer], TransportError>.self, bufferingPolicy: .bufferingNewest(100))
        reports = Mutex(stream.makeAsyncIterator())
        // Ends with the test: `end()` or `deinit` cancels it.
        task = Task { [requests] in
            await resolver.follow(target, requests: requests) { continuation.yield($0) }
            continuation.finish()
        }
    }

    deinit { task.cancel() }

    /// The next report.
    func report() async throws -> Result<[ResolvedPeer], TransportError> {
        var iterator = reports.withLock { $0 }
        return try #require(await iterator.next(isolation: nil))
    }

    /// The next report as texts in order of the alphabet.
    func peers() async throws -> [String] {
        try await report().get().map { "\($0.endpoint)" }.sorted()
    }

    func failure() async throws -> TransportError? {
        guard case .failure(let error) = try await report() else { return nil }
        return error
    }

    /// How long it now waits for the next look-up.
    func pause() async throws -> Duration {
        while true {
            try Task.checkCancellation()
            await clock.waitForSleepers()
            // None when a request has just ended one wait and another has not begun.
            if let wakeUp = clock.nextWakeUp { return clock.now.duration(to: wakeUp) }
            await Task.yield()
        }
    }

    /// Lets the time to the next look-up pass.
    func passTime() async throws {
        clock.advance(by: try await pause())
    }

    /// Cancels it and waits for its end.
    func end() async {
        task.cancel()
        await task.value
    }
}
