import NodeTransport
import Synchronization
import TransportTestKit

/// A server whose calls end as a script says, one entry a call; with the script at its end they end well.
final class FlakyPeer: Service {
    /// What one call does.
    enum Turn: Sendable {
        case answer
        case fail(TransportError)
        /// Streams: reads or sends so many messages first.
        case failAfter(Int, TransportError)
        /// Streams: reads so many messages first and answers none.
        case failUnanswered(Int, TransportError)
        /// Waits until it is cancelled.
        case hang
    }

    static let read = Method<Unary, String, String>(
        "flaky.Peer", "Read", request: .utf8, response: .utf8, isIdempotent: true)
    static let write = Method<Unary, String, String>("flaky.Peer", "Write", request: .utf8, response: .utf8)
    /// Counts from 0 to the request.
    static let count = Method<ServerStream, String, String>(
        "flaky.Peer", "Count", request: .utf8, response: .utf8, isIdempotent: true)
    /// Answers with all requests, joined.
    static let join = Method<ClientStream, String, String>(
        "flaky.Peer", "Join", request: .utf8, response: .utf8, isIdempotent: true)
    static let joinOnce = Method<ClientStream, String, String>(
        "flaky.Peer", "JoinOnce", request: .utf8, response: .utf8)
    /// Answers each request with itself.
    static let echo = Method<Bidirectional, Bytes, Bytes>(
        "flaky.Peer", "Echo", request: .bytes, response: .bytes, isIdempotent: true)

    private let script: Mutex<ArraySlice<Turn>>
    /// `grpc-previous-rpc-attempts` of each call.
    let previousAttempts = Recording<String?>()
    /// What calls that were cancelled say.
    let cancelled = Recording<String>()

    init(_ script: [Turn]) { self.script = Mutex(script[...]) }

    /// How many calls have begun.
    var callCount: Int { previousAttempts.all.count }

    var handlers: [MethodHandler] {
        [
            Self.read.handle { try await self.unary($0, $1) }, Self.write.handle { try await self.unary($0, $1) },
            Self.count.handle { request, responses, context in
                let turn = self.begin(context)
                try await self.notingCancellation {
                    for number in 0..<(Int(request) ?? 0) {
                        if case .failAfter(number, let error) = turn { throw error }
                        try await responses.send(String(number))
                    }
                    try await self.finish(turn)
                }
            },
            Self.join.handle { try await self.joined($0, $1) }, Self.joinOnce.handle { try await self.joined($0, $1) },
            Self.echo.handle { requests, responses, context in
                let turn = self.begin(context)
                try await self.notingCancellation {
                    var number = 0
                    while let request = try await requests.next() {
                        if case .failAfter(number, let error) = turn { throw error }
                        number += 1
                        if case .failUnanswered(let count, let error) = turn {
                            if number == count { throw error }
                            continue
                        }
                        try await responses.send(request)
                    }
                    try await self.finish(turn)
                }
            },
        ]
    }

    private func unary(_ request: String, _ context: ServerContext) async throws -> String {
        let turn = begin(context)
        try await notingCancellation { try await finish(turn) }
        return request
    }

    private func joined(_ requests: RequestStream<String>, _ context: ServerContext) async throws -> String {
        let turn = begin(context)
        return try await notingCancellation {
            var texts: [String] = []
            while true {
                if case .failAfter(texts.count, let error) = turn { throw error }
                guard let text = try await requests.next() else { break }
                texts.append(text)
            }
            try await finish(turn)
            return texts.joined(separator: " ")
        }
    }

    private func begin(_ context: ServerContext) -> Turn {
        previousAttempts.append(context.metadata[text: "grpc-previous-rpc-attempts"])
        return script.withLock { $0.popFirst() ?? .answer }
    }

    private func finish(_ turn: Turn) async throws {
        switch turn {
        case .answer, .failAfter, .failUnanswered: return
        case .fail(let error): throw error
        case .hang:
            try await VirtualClock().sleep(until: .now.advanced(by: .seconds(1)))
        }
    }

    /// The cancellation may come at any point of a call.
    private func notingCancellation<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            if Task.isCancelled { cancelled.append("cancelled") }
            throw error
        }
    }
}

/// Fails calls before they are sent, as a script says, one entry an attempt; `nil` lets one pass.
final class Faults: ClientInterceptor {
    private let script: Mutex<ArraySlice<TransportError?>>
    /// Whether streams fail only after they were opened, as when the peer's refusal comes late.
    private let failsLate = Atomic(false)
    /// What each attempt began with.
    let heads = Recording<CallHead>()

    init(_ script: [TransportError?] = []) { self.script = Mutex(script[...]) }

    func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
        try fault(head)
        return try await next(head, request)
    }

    func stream(_ head: CallHead, next: StreamNext) async throws -> any ClientCall {
        do {
            try fault(head)
        } catch let error as TransportError {
            if failsLate.load(ordering: .relaxed) { return FailedCall(error) }
            throw error
        }
        return try await next(head)
    }

    func failLate() { failsLate.store(true, ordering: .relaxed) }

    private func fault(_ head: CallHead) throws {
        heads.append(head)
        if let error = script.withLock({ $0.popFirst() }) ?? nil { throw error }
    }
}

/// A stream that takes everything and then fails.
private final class FailedCall: ClientCall {
    private let error: TransportError

    init(_ error: TransportError) { self.error = error }

    func send(_ message: Bytes) async throws {}
    func finishSending() async throws {}
    func initialMetadata() async throws -> Metadata { throw error }
    func receive() async throws -> Bytes? { throw error }
    var trailers: Metadata { error.metadata }
    func cancel() {}
}

extension TransportError {
    static let down = TransportError(.unavailable, "down", origin: .remote)
    /// As of a stream that was refused.
    static let refused = TransportError(.unavailable, "refused", origin: .library, processing: .notProcessed)

    /// With a server's wish about when to come back.
    static func pushback(_ text: String) -> TransportError {
        var metadata = Metadata()
        try? metadata.add("grpc-retry-pushback-ms", text)
        return TransportError(.unavailable, "not now", origin: .remote, metadata: metadata)
    }
}

/// A flaky peer, and a connection to it through the wrapper under test; all on one virtual clock.
struct FlakyRig {
    let clock: VirtualClock
    let peer: FlakyPeer
    let faults: Faults
    let endpoint: Endpoint
    let wire: InMemoryTransport
    let transport: any Transport
    let connection: any Connection

    init(
        _ script: [FlakyPeer.Turn] = [], faults script2: [TransportError?] = [], clock: VirtualClock = VirtualClock(),
        configuration: InMemoryConfiguration = InMemoryConfiguration(), _ wrap: (any Transport) -> any Transport
    ) async throws {
        self.clock = clock
        peer = FlakyPeer(script)
        faults = Faults(script2)
        wire = InMemoryTransport(configuration: configuration, clock: clock)
        endpoint = try await wire.listen(on: "memory://flaky", services: [peer]).endpoint
        transport = wrap(wire.intercepted(client: [faults]))
        connection = try await transport.connect(to: endpoint)
    }
}
