import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

/// Servers on a network in memory, and what clients of theirs use.
final class ChannelRig: Sendable {
    /// Answers with the server's name.
    static let who = Method<Unary, String, String>(
        "test.Test", "Who", request: .utf8, response: .utf8, isIdempotent: true)
    /// Answers each message with the server's name.
    static let chat = Method<Bidirectional, String, String>("test.Test", "Chat", request: .utf8, response: .utf8)

    private struct TestService: Service {
        let handlers: [MethodHandler]
    }

    let clock = VirtualClock()
    let network = InMemoryNetwork()
    let servers: InMemoryTransport
    let client: InMemoryTransport
    let resolver = TestResolver()
    let events = Recording<ResilienceEvent>()
    /// The servers that answer with a status.
    let failing = Mutex<[String: StatusCode]>([:])
    /// The servers that take calls and do not answer.
    let hanging = Mutex<Set<String>>([])
    /// One for each call that such a server has.
    let held = Recording<String>()

    init() {
        // Calls' own deadlines pass on the system's clock, what channels wait for on the rig's.
        servers = InMemoryTransport(network: network)
        client = InMemoryTransport(network: network)
    }

    func end() async {
        await client.shutdown(within: .zero)
        await servers.shutdown(within: .zero)
    }

    /// Moves the time on, as far as it takes, until `body` has ended: who sleeps when is up to the scheduler.
    func passingTime<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        let time = passTime()
        defer { time.cancel() }
        return try await body()
    }

    /// The same until the task is cancelled. While others have no processor hours may pass: what is to hold meanwhile must
    /// not depend on a time.
    func passTime() -> Task<Void, Never> {
        Task { [clock] in
            while !Task.isCancelled {
                await clock.waitForSleepers()
                clock.advance(by: .milliseconds(250))
                await Task.yield()
            }
        }
    }

    static func endpoint(_ name: String) throws -> Endpoint { try Endpoint(parsing: "memory://\(name)") }

    @discardableResult
    func serve(_ name: String) async throws -> any Listener {
        let handlers = [
            Self.who.handle { [self] _, _ in
                if let code = failing.withLock({ $0[name] }) { throw TransportError(code, "as asked") }
                if hanging.withLock({ $0.contains(name) }) {
                    held.append(name)
                    // Ends when the call is cancelled.
                    for await _ in AsyncStream<Never>.makeStream().stream {}
                    throw CancellationError()
                }
                return name
            },
            Self.chat.handle { requests, responses, _ in
                while try await requests.next() != nil { try await responses.send(name) }
            },
        ]
        return try await servers.listen(
            on: Self.endpoint(name), serving: ServiceTable([TestService(handlers: handlers)]))
    }

    func peers(_ names: String...) throws -> [ResolvedPeer] { try names.map { ResolvedPeer(try Self.endpoint($0)) } }

    /// The client's transport with channels that stand on the rig's resolver and clock.
    func balanced(
        _ balancer: Balancer, _ configuration: ChannelConfiguration = ChannelConfiguration(),
        over base: (any Transport)? = nil
    ) -> any Transport {
        let base: any Transport = base ?? client
        return base.balanced(
            balancer, resolver: resolver, configuration: configuration,
            observer: { [events] in events.append($0) }, clock: clock)
    }

    func connect(_ balancer: Balancer, _ configuration: ChannelConfiguration = ChannelConfiguration()) async throws
        -> any Connection
    {
        try await balanced(balancer, configuration).connect(to: Self.endpoint("target"))
    }
}

/// Another transport, whose connections can be seen and may refuse calls, and whose peers may not answer.
final class WatchedTransport: Transport {
    let connections = Recording<any Connection>()
    /// Peers to which connecting does not end.
    let silent: Set<Endpoint>
    let attempts = Recording<Endpoint>()
    /// Peers whose connections refuse calls, though they are ready, and who is to have said so.
    let refusing = Mutex<[Endpoint: TransportError.Origin]>([:])
    let refusals = Recording<Endpoint>()
    private let base: any Transport

    init(_ base: any Transport, silent: Set<Endpoint> = []) {
        self.base = base
        self.silent = silent
    }

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        attempts.append(endpoint)
        if silent.contains(endpoint) {
            // Ends when the task is cancelled.
            for await _ in AsyncStream<Never>.makeStream().stream {}
            throw CancellationError()
        }
        let connection = try await base.connect(to: endpoint)
        connections.append(connection)
        return RefusingConnection(base: connection, transport: self)
    }

    private struct RefusingConnection: Connection {
        let base: any Connection
        let transport: WatchedTransport

        var endpoint: Endpoint { base.endpoint }
        var peer: PeerIdentity? { base.peer }
        var state: ConnectionState { base.state }
        func stateUpdates() -> AsyncStream<ConnectionState> { base.stateUpdates() }
        func close(within grace: Duration) async { await base.close(within: grace) }

        func open(_ head: CallHead) async throws -> any ClientCall {
            if let origin = transport.refusing.withLock({ $0[endpoint] }) {
                transport.refusals.append(endpoint)
                throw TransportError(.unavailable, "refused", origin: origin, processing: .notProcessed)
            }
            return try await base.open(head)
        }
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}

/// A resolver that a test drives.
final class TestResolver: Resolver {
    private let results: AsyncStream<Result<[ResolvedPeer], TransportError>>
    private let continuation: AsyncStream<Result<[ResolvedPeer], TransportError>>.Continuation
    /// One for each look-up that was asked for.
    let asked = Recording<Void>()

    init() { (results, continuation) = AsyncStream.makeStream() }

    /// For the one channel that follows.
    func resolve(_ peers: [ResolvedPeer]) { continuation.yield(.success(peers)) }
    func fail(_ error: TransportError) { continuation.yield(.failure(error)) }

    func follow(
        _ target: Endpoint, requests: ResolutionRequests,
        report: @escaping @Sendable (Result<[ResolvedPeer], TransportError>) -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while (try? await requests.next()) != nil { self.asked.append(()) }
            }
            for await result in results { report(result) }
            group.cancelAll()
        }
    }
}
