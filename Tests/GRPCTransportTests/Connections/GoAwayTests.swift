import Dispatch
import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// A server that announces its end: what it has taken on finishes, the rest can be sent again.
@Suite(.timeLimit(.minutes(5))) struct GoAwayTests {
    @Test func `calls up to the announced one finish, those above are not processed`() async throws {
        let listener = try RawListener()
        let script = Task {
            try await blocking {
                var server = try ScriptedServer(on: listener)
                let streams = try server.requests(3)
                guard streams.sorted() == [1, 3, 5] else {
                    throw RawSocket.Failure(description: "the requests came on \(streams)")
                }
                server.socket.send(Raw.goAway(3, 0))
                server.socket.send(Raw.answer(3, [3]) + Raw.answer(1, [1]))
                try server.awaitEnd()
            }
        }
        let client = try GRPCTransport(security: .plaintext)
        let connection = try await client.connect(to: listener.endpoint)
        let updates = connection.stateUpdates()
        let states = Task { await updates.reduce(into: []) { $0.append($1) } }
        let outcomes = await withTaskGroup(of: Result<Bytes, any Error>.self) { group in
            for _ in 0..<3 {
                group.addTask { await Result { try await connection.call(Echo.unary, Bytes()) } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let answers = outcomes.compactMap { try? $0.get() }
        #expect(answers.count == 2)
        #expect(Set(answers) == [Bytes([1]), Bytes([3])])
        for outcome in outcomes {
            guard case .failure(let error as TransportError) = outcome else { continue }
            #expect(error.code == .unavailable)
            #expect(error.processing == .notProcessed, "\(error)")
        }
        try await script.value
        let seen = await states.value.map(\.name)
        #expect(seen == ["ready", "draining", "closed"])
        let late = try await TransportError.thrown { _ = try await connection.call(Echo.unary, Bytes()) }
        #expect(late.code == .unavailable)
        #expect(late.processing == .notProcessed)
    }

    @Test func `a server that has taken on nothing leaves every call to be sent again`() async throws {
        let listener = try RawListener()
        let script = Task {
            try await blocking {
                // Two calls are under way, the others wait.
                var server = try ScriptedServer(on: listener, settings: [(Raw.maximumConcurrentStreams, 2)])
                _ = try server.requests(2)
                server.socket.send(Raw.goAway(0, 11))
                try server.awaitEnd()
            }
        }
        let client = try GRPCTransport(security: .plaintext)
        let connection = try await client.connect(to: listener.endpoint)
        await withTaskGroup(of: Result<Bytes, any Error>.self) { group in
            for _ in 0..<5 {
                group.addTask { await Result { try await connection.call(Echo.unary, Bytes()) } }
            }
            for await outcome in group {
                guard case .failure(let error as TransportError) = outcome else {
                    Issue.record("a call has succeeded: \(outcome)")
                    continue
                }
                #expect(error.code == .unavailable, "\(error)")
                #expect(error.processing == .notProcessed, "\(error)")
            }
        }
        try await script.value
        for await state in connection.stateUpdates() where state.isClosed {}
    }

    /// The client writes before it has read: the write fails, and what the server has said last still counts.
    @Test func `what a server says before it is gone is heard though writing fails first`() async throws {
        let listener = try RawListener()
        let (requested, request) = AsyncStream.makeStream(of: Void.self)
        let (mayEnd, hasEnded) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let script = Task {
            try await blocking {
                // Whatever happens, nobody waits for it in vain.
                defer { hasEnded.signal() }
                defer { request.finish() }
                try Self.reset(afterRequestOn: listener) {
                    request.finish()
                    mayEnd.wait()
                }
            }
        }
        let client = try GRPCTransport(security: .plaintext)
        let connection = try await client.connect(to: listener.endpoint)
        async let first = TransportError.thrown { _ = try await connection.call(Echo.unary, Bytes()) }
        for await _ in requested {}
        let second = Task(executorPreference: connection.executor) {
            // On the loop, which reads nothing meanwhile.
            Self.wait {
                mayEnd.signal()
            } for: {
                hasEnded.wait()
            }
            return try await TransportError.thrown { _ = try await connection.call(Echo.unary, Bytes()) }
        }
        for error in [try await first, try await second.value] {
            #expect(error.code == .unavailable, "\(error)")
            #expect(error.processing == .notProcessed, "\(error)")
        }
        try await script.value
    }

    /// Takes a request, and when it may says that it will not process it and resets the connection.
    private static func reset(afterRequestOn listener: RawListener, when mayEnd: () -> Void) throws {
        var server = try ScriptedServer(on: listener)
        _ = try server.requests(1)
        mayEnd()
        server.socket.send(Raw.goAway(0, 0))
        server.socket.endWithReset()
    }

    private static func wait(_ begin: () -> Void, for end: () -> Void) {
        begin()
        end()
    }

    @Test func `a stream that the server refuses can be sent again`() async throws {
        let listener = try RawListener()
        let script = Task {
            try await blocking {
                var server = try ScriptedServer(on: listener)
                server.socket.send(Raw.reset(try server.requests(1)[0], 7))
                server.socket.send(Raw.answer(try server.requests(1)[0], [9]))
                try server.awaitEnd()
            }
        }
        let client = try GRPCTransport(security: .plaintext)
        let connection = try await client.connect(to: listener.endpoint)
        let error = try await TransportError.thrown { _ = try await connection.call(Echo.unary, Bytes()) }
        #expect(error.code == .unavailable, "\(error)")
        #expect(error.processing == .notProcessed)
        #expect(try await connection.call(Echo.unary, Bytes()) == Bytes([9]))
        await connection.close(within: .zero)
        try await script.value
    }
}

extension ConnectionState {
    /// The state without its reason.
    fileprivate var name: String {
        switch self {
        case .connecting: "connecting"
        case .ready: "ready"
        case .draining: "draining"
        case .closed: "closed"
        }
    }
}
