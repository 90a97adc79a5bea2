import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// Calls over the number that the server allows at once wait for their turn, and no longer than they may.
@Suite(.timeLimit(.minutes(5))) struct QueueTests {
    @Test func `many more calls than the server allows at once all complete`() async throws {
        try await ConnectionRig.run(server: { $0.maximumConcurrentStreams = 3 }) { rig in
            try await withThrowingTaskGroup { group in
                for number in 0..<400 {
                    group.addTask {
                        let request = Bytes(utf8: "call \(number)")
                        let answer = try await rig.connection.call(Echo.unary, request)
                        #expect(answer == request)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `streaming calls that wait send when their turn comes`() async throws {
        try await ConnectionRig.run(server: { $0.maximumConcurrentStreams = 2 }) { rig in
            try await withThrowingTaskGroup { group in
                for number in 0..<30 {
                    group.addTask {
                        let call = try await rig.connection.call(Echo.bidi)
                        let message = pattern(number * 1000)
                        for _ in 0..<3 { try await call.requests.send(message) }
                        try await call.requests.finish()
                        var answers = 0
                        for try await answer in call.responses where answer == message { answers += 1 }
                        #expect(answers == 3)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `the deadline of a call counts while it waits`() async throws {
        try await ConnectionRig.run(
            services: [DeafService(), EchoService()], server: { $0.maximumConcurrentStreams = 1 }
        ) { rig in
            let first = try await rig.open(DeafService.method)
            let began = ContinuousClock.now
            let error = try await TransportError.thrown {
                _ = try await rig.connection.call(Echo.unary, Bytes(), deadline: .after(.milliseconds(50)))
            }
            #expect(error.code == .deadlineExceeded, "\(error)")
            #expect(ContinuousClock.now - began >= .milliseconds(50))
            // What waits can be cancelled too.
            let waiting = Task { try await rig.connection.call(Echo.unary, Bytes()) }
            waiting.cancel()
            let cancellation = try await TransportError.thrown { _ = try await waiting.value }
            #expect(cancellation.code == .cancelled)
            // When the place is free, it is given to who waits then.
            let next = Task { try await rig.connection.call(Echo.unary, Bytes(utf8: "next")) }
            first.cancel()
            #expect(try await next.value == Bytes(utf8: "next"))
        }
    }

    @Test func `the call over the length of the queue fails by the limit's name`() async throws {
        try await ConnectionRig.run(
            services: [DeafService(), EchoService()], server: { $0.maximumConcurrentStreams = 1 },
            client: { $0.maximumQueuedCalls = 2 }
        ) { rig in
            // They are refused only when they have been begun, one by one.
            let calls = [
                try await rig.open(DeafService.method), try await rig.open(DeafService.method),
                try await rig.open(DeafService.method),
            ]
            let error = try await TransportError.thrown { _ = try await rig.open(DeafService.method) }
            #expect(error.code == .resourceExhausted)
            #expect(error.processing == .notProcessed)
            #expect(error.description.contains("the limit of 2 queued calls is reached"), "\(error)")
            for call in calls { call.cancel() }
            #expect(try await rig.connection.call(Echo.unary, Bytes(utf8: "after")) == Bytes(utf8: "after"))
        }
    }

    @Test func `a server may allow none at first and more later`() async throws {
        let listener = try RawListener()
        let (raised, raise) = AsyncStream.makeStream(of: Void.self)
        let script = Task {
            let accepted = try await blocking {
                try ScriptedServer(on: listener, settings: [(Raw.maximumConcurrentStreams, 0)])
            }
            for await _ in raised {}
            try await blocking {
                var server = accepted
                server.socket.send(Raw.settings([(Raw.maximumConcurrentStreams, 10)]))
                server.socket.send(Raw.answer(try server.requests(1)[0], [5]))
                try server.awaitEnd()
            }
        }
        let client = try GRPCTransport(security: .plaintext)
        let connection = try await client.connect(to: listener.endpoint)
        let call = try await connection.open(
            CallHead(method: Echo.unary.name, shape: .unary, metadata: Metadata(), deadline: nil))
        // It waits now.
        raise.finish()
        try await call.finishSending()
        #expect(try await call.receive() == Bytes([5]))
        #expect(try await call.receive() == nil)
        await client.shutdown(within: .zero)
        try await script.value
    }
}
