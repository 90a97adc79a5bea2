import GRPCTransport
import NodeTransport
import QUICTransport
import Synchronization
import Testing
import TransportResilience
import TransportTLS

/// A calls B over HTTP/2, B calls C over QUIC, C calls D over HTTP/2: on real sockets.
@Suite(.timeLimit(.minutes(2))) struct ThreeHopsTests {
    @Test func theDeadlineShrinksHopByHop() async throws {
        try await Chain.run { chain in
            _ = try await chain.connection.call(Hop.call, "answer", deadline: .after(.seconds(60)))
            #expect(chain.seen.count == 3)
            // What is left when a handler begins; the first hop gives what its caller has left, to the wire's precision.
            var before = Duration.seconds(60.1)
            for sight in chain.seen {
                let left = try #require(sight.timeLeft)
                #expect(left < before)
                #expect(left > .seconds(20))
                before = left
            }
        }
    }

    @Test func theLastHopEndsAtTheDeadline() async throws {
        try await Chain.run { chain in
            let error = await #expect(throws: TransportError.self) {
                try await chain.connection.call(Hop.call, "stay", deadline: .after(.seconds(2)))
            }
            #expect(error?.code == .deadlineExceeded)
            // On a busy machine the deadline may pass on the way.
            if chain.seen.count == 3 { #expect(await chain.lastHandlerEnded()) }
        }
    }

    @Test func cancellingTheFirstCallCancelsTheLastHandler() async throws {
        try await Chain.run { chain in
            let call = Task { try await chain.connection.call(Hop.call, "stay") }
            await chain.lastHandlerBegan()
            call.cancel()
            let error = await #expect(throws: TransportError.self) { try await call.value }
            #expect(error?.code == .cancelled)
            #expect(await chain.lastHandlerEnded())
        }
    }

    @Test func theTraceIsTheSameAndEveryHopHasItsParent() async throws {
        try await Chain.run { chain in
            var random = SystemRandomNumberGenerator()
            let state = try #require(TraceState(parsing: ["vendor=value"]))
            let base = TraceContext.root(isSampled: true, using: &random)
            let root = try #require(
                TraceContext(traceID: base.traceID, parentID: base.parentID, flags: base.flags, state: state))
            try await TraceContext.$current.withValue(root) {
                _ = try await chain.connection.call(Hop.call, "answer")
            }
            let traces = chain.seen.compactMap(\.trace)
            #expect(traces.count == 3)
            for trace in traces {
                #expect(trace.traceID == root.traceID)
                #expect(trace.state == state)
                #expect(trace.isSampled)
            }
            #expect(Set(traces.map(\.parentID) + [root.parentID]).count == 4)
        }
    }

    @Test func aMalformedTraceDisturbsNothing() async throws {
        try await Chain.run { chain in
            var metadata = Metadata()
            try metadata.add("traceparent", "00-nonsense")
            try metadata.add("tracestate", "=,=")
            #expect(try await chain.connection.call(Hop.call, "answer", metadata: metadata) == "d")
            #expect(chain.seen.map(\.trace) == [nil, nil, nil])
        }
    }

    /// What the last server refuses, the first client hears by name.
    @Test func aRefusalIsNamedAcrossTheHops() async throws {
        try await Chain.run(ServerLimits(concurrency: .fixed(1), queue: .none)) { chain in
            let held = Task { try await chain.connection.call(Hop.call, "stay") }
            await chain.lastHandlerBegan()
            let error = await #expect(throws: TransportError.self) {
                try await chain.connection.call(Hop.call, "answer")
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error.flatMap(ServerLimit.init(namedIn:)) == .concurrency)
            #expect(error?.metadata[text: "grpc-retry-pushback-ms"] != nil)
            held.cancel()
            _ = await held.result
        }
    }
}

private enum Hop {
    static let call = Method<Unary, String, String>("hops.Hop", "Call", request: .utf8, response: .utf8)
}

/// What a handler saw.
private struct Sight: Sendable {
    /// Until the deadline.
    let timeLeft: Duration?
    let trace: TraceContext?
}

/// Three servers in a row, and a connection to the first.
private final class Chain: Sendable {
    let connection: any Connection
    private let log: Log

    fileprivate final class Log: Sendable {
        let sights = Mutex<[Sight]>([])
        let (begins, begin) = AsyncStream.makeStream(of: Void.self)
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)

        func note() {
            let sight = Sight(timeLeft: Deadline.current?.remaining(), trace: TraceContext.current)
            sights.withLock { $0.append(sight) }
        }
    }

    private init(connection: any Connection, log: Log) {
        self.connection = connection
        self.log = log
    }

    /// What B, C and D saw, in this order.
    var seen: [Sight] { log.sights.withLock { $0 } }

    func lastHandlerBegan() async { for await _ in log.begins { return } }

    /// Whether the last handler's task was cancelled; waits for its end.
    func lastHandlerEnded() async -> Bool {
        for await isCancelled in log.ends { return isCancelled }
        return false
    }

    /// - Parameter limits: What D takes on.
    static func run(_ limits: ServerLimits = .default, _ body: (Chain) async throws -> Void) async throws {
        let ca = try DevelopmentCA.create(commonName: "Test CA")
        let issued = try ca.issue(name: "node", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"])
        let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
        let grpc = try GRPCTransport(security: .plaintext)
        let quic = try QUICTransport(identity: identity, trust: Trust.roots(pem: ca.certificatePEM))
        let wires: any Transport = TransportRouter([.grpc: grpc, .quic: quic]).propagatingTraceContext()
        let outcome = await Result { () async throws in
            let log = Log()
            let d = try await wires.limited(limits).listen(on: "grpc://127.0.0.1:0", services: [Last(log: log)])
            let toD = try await wires.connect(to: d.endpoint)
            let c = try await wires.listen(on: "quic://127.0.0.1:0", services: [Middle(log: log, next: toD)])
            let toC = try await wires.connect(to: c.endpoint)
            let b = try await wires.listen(on: "grpc://127.0.0.1:0", services: [Middle(log: log, next: toC)])
            try await body(Chain(connection: try await wires.connect(to: b.endpoint), log: log))
        }
        await wires.shutdown(within: .zero)
        try outcome.get()
    }
}

/// Asks the next in the row.
private struct Middle: Service {
    let log: Chain.Log
    let next: any Connection

    var handlers: [MethodHandler] {
        [
            Hop.call.handle { request, _ in
                log.note()
                return try await next.call(Hop.call, request)
            }
        ]
    }
}

/// Answers, or stays until it is cancelled.
private struct Last: Service {
    let log: Chain.Log

    var handlers: [MethodHandler] {
        [
            Hop.call.handle { request, _ in
                log.note()
                log.begin.yield()
                guard request == "stay" else { return "d" }
                let (never, continuation) = AsyncStream.makeStream(of: Void.self)
                for await _ in never {}
                withExtendedLifetime(continuation) {}
                log.end.yield(Task.isCancelled)
                throw CancellationError()
            }
        ]
    }
}

extension Result where Failure == any Error {
    fileprivate init(catching body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
