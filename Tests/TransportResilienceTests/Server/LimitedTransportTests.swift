import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

/// Limits around a transport, as a caller meets them.
@Suite(.timeLimit(.minutes(5))) struct LimitedTransportTests {
    private static let hold = Method<Unary, Bytes, Bytes>("test.Test", "Hold", request: .bytes, response: .bytes)
    private static let watch = Method<ServerStream, Bytes, Bytes>(
        "test.Test", "Watch", request: .bytes, response: .bytes)
    private static let health = Method<Unary, Bytes, Bytes>(
        "grpc.health.v1.Health", "Check", request: .bytes, response: .bytes)

    /// A handler that stays until it is let go or cancelled, and counts.
    private final class Gate: Service {
        private struct Storage {
            var begun = 0
            var isOpen = false
        }

        private let storage = Mutex(Storage())
        private let (begins, begin) = AsyncStream.makeStream(of: Void.self)
        private let (opening, opener) = AsyncStream.makeStream(of: Void.self)

        var begun: Int { storage.withLock { $0.begun } }

        func open() {
            storage.withLock { $0.isOpen = true }
            opener.finish()
        }

        func waitForBegin() async { for await _ in begins { return } }

        private func pass() async throws {
            let isOpen = storage.withLock { storage in
                storage.begun += 1
                return storage.isOpen
            }
            begin.yield()
            if !isOpen { for await _ in opening {} }
            try Task.checkCancellation()
        }

        var handlers: [MethodHandler] {
            [
                LimitedTransportTests.hold.handle { request, _ in
                    try await self.pass()
                    return request
                },
                LimitedTransportTests.watch.handle { _, _, _ in try await self.pass() },
                LimitedTransportTests.health.handle { request, _ in request },
            ]
        }
    }

    private final class Events: Sendable {
        private let events = Mutex<[ResilienceEvent]>([])

        var all: [ResilienceEvent] { events.withLock { $0 } }
        func note(_ event: ResilienceEvent) { events.withLock { $0.append(event) } }
    }

    private struct Rig {
        let gate = Gate()
        let events = Events()
        let clock = VirtualClock()
        let connection: any Connection

        init(_ limits: ServerLimits) async throws {
            let (network, events) = (InMemoryNetwork(), events)
            let server = InMemoryTransport(network: network, clock: clock)
                .limited(limits, clock: clock) { events.note($0) }
            _ = try await server.listen(on: "memory://server", services: [gate])
            connection = try await InMemoryTransport(network: network, clock: clock).connect(to: "memory://server")
        }

        func call(deadline: Deadline? = nil) async throws -> Bytes {
            try await connection.call(LimitedTransportTests.hold, Bytes(), deadline: deadline)
        }

        func refusal() async throws -> TransportError {
            do {
                _ = try await call()
            } catch {
                return try #require(error as? TransportError)
            }
            throw TransportError(.internal, "the call was not refused")
        }
    }

    private static let one = ServerLimits(concurrency: .fixed(1), queue: .none)

    @Test func aRefusalNamesTheLimitOnTheWireAndInTheEvent() async throws {
        let rig = try await Rig(Self.one)
        async let held = rig.call()
        await rig.gate.waitForBegin()
        let error = try await rig.refusal()
        #expect(error.code == .resourceExhausted)
        #expect(error.message.hasPrefix("concurrency: "))
        #expect(ServerLimit(namedIn: error) == .concurrency)
        let pushback = try #require(error.metadata[text: "grpc-retry-pushback-ms"].flatMap { Int($0) })
        #expect((50...100).contains(pushback))
        let event = try #require(rig.events.all.first)
        #expect(event.kind == .refusedByLimit && event.limit == "concurrency" && event.method == Self.hold.name)
        rig.gate.open()
        _ = try await held
        _ = try await rig.call()
        #expect(rig.gate.begun == 2)
    }

    @Test func theRetryLayerWaitsAsLongAsItIsAsked() async throws {
        let rig = try await Rig(Self.one)
        async let held = rig.call()
        await rig.gate.waitForBegin()
        async let retried = withRetry(operation: "hold", isIdempotent: true, clock: rig.clock) { _ in
            try await rig.call()
        }
        await rig.clock.waitForSleepers()
        rig.gate.open()
        _ = try await held
        rig.clock.advance(by: .milliseconds(100))
        _ = try await retried
    }

    @Test func streamsHaveALimitOfTheirOwn() async throws {
        var limits = Self.one
        limits.maximumStreams = 1
        let rig = try await Rig(limits)
        let first = try await rig.connection.call(Self.watch, Bytes())
        await rig.gate.waitForBegin()
        let second = try await rig.connection.call(Self.watch, Bytes())
        do {
            _ = try await second.next()
            Issue.record("it was not refused")
        } catch let error as TransportError {
            #expect(ServerLimit(namedIn: error) == .streams)
        }
        rig.gate.open()
        #expect(try await first.next() == nil)
        _ = try await rig.call()
    }

    @Test func healthChecksAreExempt() async throws {
        let rig = try await Rig(Self.one)
        async let held = rig.call()
        await rig.gate.waitForBegin()
        _ = try await rig.connection.call(Self.health, Bytes())
        rig.gate.open()
        _ = try await held
    }

    @Test func whoWaitsTooLongIsRefused() async throws {
        let rig = try await Rig(
            ServerLimits(concurrency: .fixed(1), queue: QueueLimit(longestWait: .seconds(1), patience: .seconds(60))))
        async let held = rig.call()
        await rig.gate.waitForBegin()
        async let refused = rig.refusal()
        await rig.clock.waitForSleepers()
        rig.clock.advance(by: .seconds(1))
        #expect(ServerLimit(namedIn: try await refused) == .queueWait)
        rig.gate.open()
        _ = try await held
        #expect(rig.gate.begun == 1)
    }

    @Test func aCallThatIsCancelledWhileItWaitsIsNeverBegun() async throws {
        let rig = try await Rig(ServerLimits(concurrency: .fixed(1)))
        async let held = rig.call()
        await rig.gate.waitForBegin()
        let waiting = Task { try await rig.call() }
        await rig.clock.waitForSleepers()
        waiting.cancel()
        await #expect(throws: TransportError.self) { try await waiting.value }
        rig.gate.open()
        _ = try await held
        _ = try await rig.call()
        #expect(rig.gate.begun == 2)
    }

    @Test func aCallWhoseDeadlinePassesWhileItWaitsIsNeverBegun() async throws {
        let rig = try await Rig(ServerLimits(concurrency: .fixed(1), queue: QueueLimit(patience: .seconds(60))))
        async let held = rig.call()
        await rig.gate.waitForBegin()
        let late = Task { try await rig.call(deadline: .after(.milliseconds(200), clock: rig.clock)) }
        // The deadline's timer and the queue's.
        await rig.clock.waitForSleepers(2)
        rig.clock.advance(by: .milliseconds(300))
        let error = await #expect(throws: TransportError.self) { try await late.value }
        #expect(error?.code == .deadlineExceeded)
        rig.gate.open()
        _ = try await held
        #expect(rig.gate.begun == 1)
    }

    @Test func aPlaceIsGivenBackHoweverACallEnds() async throws {
        // Calls wait for the place here, so that each sees that the one before gave it back.
        let rig = try await Rig(ServerLimits(concurrency: .fixed(1), queue: QueueLimit(patience: .seconds(60))))
        for number in 1...5 {
            let call = Task { try await rig.call() }
            await rig.gate.waitForBegin()
            #expect(rig.gate.begun == number)
            call.cancel()
            _ = await call.result
        }
        rig.gate.open()
        _ = try await rig.call()
    }
}
