import NodeTransport
import Testing
import TransportResilience
import TransportTestKit

@Suite("Streams over a retrying transport", .timeLimit(.minutes(5)))
struct RetryingStreamTests {
    private let clock = VirtualClock()
    private let policy = RetryPolicy(backoff: .constant(.zero))

    private func rig(
        _ script: [FlakyPeer.Turn] = [], faults: [TransportError?] = [], replayBytes: Int = 262_144,
        configuration: InMemoryConfiguration = InMemoryConfiguration()
    ) async throws -> FlakyRig {
        var policy = policy
        policy.maximumReplayBytes = replayBytes
        return try await FlakyRig(script, faults: faults, clock: clock, configuration: configuration) {
            [policy] in $0.retrying(policy, clock: clock)
        }
    }

    private func texts(_ stream: ResponseStream<String>) async throws -> [String] {
        var texts: [String] = []
        while let text = try await stream.next() { texts.append(text) }
        return texts
    }

    @Test func aStreamThatFailsBeforeItsFirstMessageIsTriedAgain() async throws {
        let rig = try await rig([.failAfter(0, .down), .failAfter(0, .down)])
        let stream = try await rig.connection.call(FlakyPeer.count, "3")
        #expect(try await texts(stream) == ["0", "1", "2"])
        #expect(rig.peer.previousAttempts.all == [nil, "1", "2"])
    }

    @Test func aStreamThatFailsLaterIsNot() async throws {
        let rig = try await rig([.failAfter(1, .down)])
        let stream = try await rig.connection.call(FlakyPeer.count, "3")
        #expect(try await stream.next() == "0")
        let error = await #expect(throws: TransportError.self) { try await stream.next() }
        #expect(error?.message == "down")
        #expect(rig.peer.callCount == 1)
    }

    @Test func initialMetadataThatTheCallerHasSeenCommits() async throws {
        let method = Method<ServerStream, String, String>(
            "flaky.Head", "Stream", request: .utf8, response: .utf8, isIdempotent: true)
        struct Heads: Service {
            let handlers: [MethodHandler]
        }
        let calls = Recording<String>()
        let handler = method.handle { request, _, context in
            calls.append(request)
            try await context.sendInitialMetadata(Metadata())
            throw TransportError(.unavailable, "down")
        }
        let wire = InMemoryTransport(clock: clock)
        let listener = try await wire.listen(on: "memory://heads", services: [Heads(handlers: [handler])])
        let connection = try await wire.retrying(policy, budgets: nil, clock: clock).connect(to: listener.endpoint)
        let seen = try await connection.call(method, "seen")
        _ = try await seen.initialMetadata()
        await #expect(throws: TransportError.self) { try await seen.next() }
        #expect(calls.all.filter { $0 == "seen" }.count == 1)
        let unseen = try await connection.call(method, "unseen")
        await #expect(throws: TransportError.self) { try await unseen.next() }
        #expect(calls.all.filter { $0 == "unseen" }.count == 5)
    }

    @Test("What was sent is sent again, in order and once", arguments: [0, 1, 5, 9])
    func replay(failsAfter: Int) async throws {
        let rig = try await rig([.failAfter(failsAfter, .down), .failAfter(3, .down)])
        let call = try await rig.connection.call(FlakyPeer.join)
        for number in 0..<10 { try await call.requests.send("\(number)") }
        #expect(try await call.response() == "0 1 2 3 4 5 6 7 8 9")
        #expect(rig.peer.callCount == 3)
    }

    @Test func aStreamThatIsNotIdempotentIsSentAgainOnlyWhenRefused() async throws {
        let refused = try await rig(faults: [.refused])
        let call = try await refused.connection.call(FlakyPeer.joinOnce)
        try await call.requests.send("a")
        #expect(try await call.response() == "a")
        let failed = try await rig([.failAfter(1, .down)])
        let other = try await failed.connection.call(FlakyPeer.joinOnce)
        try? await other.requests.send("a")
        await #expect(throws: TransportError.self) { try await other.response() }
        #expect(failed.peer.callCount == 1)
    }

    @Test func aRefusalThatComesLateIsProofToo() async throws {
        let rig = try await rig(faults: [.refused])
        rig.faults.failLate()
        let call = try await rig.connection.call(FlakyPeer.joinOnce)
        for text in ["a", "b", "c"] { try await call.requests.send(text) }
        #expect(try await call.response() == "a b c")
        // A transparent retry counts as no attempt.
        #expect(rig.peer.previousAttempts.all == [nil])
    }

    @Test func aConnectionThatIsOverIsNotTriedAgain() async throws {
        let rig = try await rig(faults: [.refused])
        rig.faults.failLate()
        let call = try await rig.connection.call(FlakyPeer.join)
        await rig.connection.close(within: .zero)
        await #expect(throws: TransportError.self) { try await call.response() }
        #expect(rig.faults.heads.all.count == 1)
    }

    @Test("What does not fit into the buffer commits", arguments: [(9, 1), (10, 0)])
    func bufferLimit(messages: Int, retries: Int) async throws {
        // Nine messages of 68 bytes, and 32 each.
        let rig = try await rig([.failAfter(messages, .down)], replayBytes: 900)
        let call = try await rig.connection.call(FlakyPeer.join)
        let text = String(repeating: "x", count: 68)
        for _ in 0..<messages { try? await call.requests.send(text) }
        if retries == 1 {
            #expect(try await call.response().count == messages * 69 - 1)
        } else {
            await #expect(throws: TransportError.self) { try await call.response() }
        }
        #expect(rig.peer.callCount == 1 + retries)
    }

    @Test("A server that answers before it reads on does not block the replay")
    func replayWhileReading() async throws {
        var configuration = InMemoryConfiguration()
        configuration.maximumBufferedBytes = 1_000
        configuration.maximumBufferedMessages = 2
        let rig = try await rig([.failUnanswered(30, .down)], configuration: configuration)
        let call = try await rig.connection.call(FlakyPeer.echo)
        let messages = (0..<40).map { number in Bytes((0..<500).map { UInt8(truncatingIfNeeded: $0 + number) }) }
        // The first attempt takes thirty messages and fails; the second echoes each, and stops reading while nobody
        // takes the echoes.
        async let sending: Void = {
            for message in messages { try await call.requests.send(message) }
            try await call.requests.finish()
        }()
        var received: [Bytes] = []
        while let message = try await call.responses.next() { received.append(message) }
        try await sending
        #expect(received == messages)
        #expect(rig.peer.callCount == 2)
    }

    @Test func aStreamThatCannotBeOpenedIsTriedAgain() async throws {
        let down = TransportError(.unavailable, "no peer", origin: .library, processing: .notProcessed)
        let rig = try await rig(faults: [down, down, down])
        let stream = try await rig.connection.call(FlakyPeer.count, "1")
        #expect(try await texts(stream) == ["0"])
        #expect(rig.faults.heads.all.count == 4)
        #expect(rig.peer.previousAttempts.all == ["2"])
    }

    @Test func anAttemptThatCannotBeOpenedIsFollowedByAnother() async throws {
        let down = TransportError(.unavailable, "no peer", origin: .library)
        let rig = try await rig([.failAfter(0, .down)], faults: [nil, down])
        let stream = try await rig.connection.call(FlakyPeer.count, "1")
        #expect(try await texts(stream) == ["0"])
        #expect(rig.peer.previousAttempts.all == [nil, "2"])
    }

    @Test func theLastAttemptsErrorStays() async throws {
        let down = TransportError(.unavailable, "no peer", origin: .library)
        let rig = try await rig([.failAfter(0, .down)], faults: [nil] + Array(repeating: down, count: 9))
        let stream = try await rig.connection.call(FlakyPeer.count, "1")
        for _ in 0..<2 {
            let error = await #expect(throws: TransportError.self) { try await stream.next() }
            #expect(error?.message == "no peer")
            #expect(error?.attempt == 5)
        }
        await #expect(throws: TransportError.self) { try await stream.initialMetadata() }
    }

    // MARK: Cancelling

    /// A stream that waits for its second attempt, and a task that reads from it.
    private func waitingStream() async throws -> (rig: FlakyRig, ResponseStream<String>, Task<String?, any Error>) {
        let rig = try await FlakyRig([.failAfter(0, .down)], clock: clock) {
            $0.retrying(RetryPolicy(backoff: .constant(.seconds(1))), clock: clock)
        }
        let stream = try await rig.connection.call(FlakyPeer.count, "1")
        let task = Task { try await stream.next() }
        await clock.waitForSleepers(1)
        return (rig, stream, task)
    }

    @Test func cancelEndsTheWaitAtOnce() async throws {
        let (rig, stream, task) = try await waitingStream()
        stream.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        await #expect(throws: TransportError.self) { try await stream.next() }
        clock.advance(by: .seconds(10))
        #expect(rig.peer.callCount == 1)
    }

    @Test func cancellingTheTaskEndsTheWaitAtOnce() async throws {
        let (rig, _, task) = try await waitingStream()
        task.cancel()
        let error = await #expect(throws: TransportError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        clock.advance(by: .seconds(10))
        #expect(rig.peer.callCount == 1)
    }

    @Test func cancellingDuringALaterAttemptReachesTheServer() async throws {
        let rig = try await rig([.fail(.down), .hang])
        let call = try await rig.connection.call(FlakyPeer.join)
        try await call.requests.send("x")
        let task = Task { try await call.response() }
        await rig.peer.previousAttempts.wait(count: 2)
        task.cancel()
        await #expect(throws: TransportError.self) { try await task.value }
        await rig.peer.cancelled.wait(count: 1)
    }

    @Test func lettingGoCancels() async throws {
        let rig = try await rig([.hang])
        func begin() async throws {
            let call = try await rig.connection.call(FlakyPeer.join)
            try await call.requests.send("x")
            try await call.requests.finish()
            await rig.peer.previousAttempts.wait(count: 1)
        }
        try await begin()
        await rig.peer.cancelled.wait(count: 1)
    }

    // MARK: Chance

    @Test("Streams that fail anywhere give the right answer or an error", arguments: 0..<30)
    func chance(_ round: Int) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        var script: [FlakyPeer.Turn] = []
        for _ in 0..<200 {
            script.append(
                Bool.random(using: &random) ? .answer : .failAfter(Int.random(in: 0...12, using: &random), .down))
        }
        var configuration = InMemoryConfiguration()
        configuration.maximumBufferedMessages = Int.random(in: 1...16, using: &random)
        let rig = try await FlakyRig(script, configuration: configuration) {
            $0.retrying(RetryPolicy(backoff: .constant(.zero)), budgets: nil)
        }
        let connection = rig.connection
        let outcomes = await withTaskGroup(of: String.self) { group in
            for number in 0..<20 {
                group.addTask {
                    do {
                        switch number % 3 {
                        case 0:
                            let call = try await connection.call(FlakyPeer.join)
                            for text in 0..<10 { try await call.requests.send("\(text)") }
                            return try await call.response() == "0 1 2 3 4 5 6 7 8 9" ? "right" : "wrong"
                        case 1:
                            let stream = try await connection.call(FlakyPeer.count, "5")
                            var next = 0
                            while let text = try await stream.next() {
                                guard text == "\(next)" else { return "wrong" }
                                next += 1
                            }
                            return next == 5 ? "right" : "wrong"
                        default:
                            let call = try await connection.call(FlakyPeer.echo)
                            async let sending: Void = {
                                for number in 0..<10 { try await call.requests.send([UInt8(number)]) }
                                try await call.requests.finish()
                            }()
                            var next: UInt8 = 0
                            while let message = try await call.responses.next() {
                                guard message == [next] else { return "wrong" }
                                next += 1
                            }
                            try await sending
                            return next == 10 ? "right" : "wrong"
                        }
                    } catch let error as TransportError {
                        return error.message == "down" ? "failed" : "\(error)"
                    } catch {
                        return "\(error)"
                    }
                }
            }
            return await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(outcomes.allSatisfy { $0 == "right" || $0 == "failed" }, "seed \(seed): \(outcomes)")
    }
}
