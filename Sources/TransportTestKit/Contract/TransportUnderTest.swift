public import NodeTransport

/// A transport that is to keep the promises of `NodeTransport`; ``TransportContract`` puts it to the test.
///
/// ```swift
/// struct MyTransportUnderTest: TransportUnderTest {
///     let name = "mine"
///     var listenEndpoint: Endpoint { get throws { try Endpoint(parsing: "grpc://127.0.0.1:0") } }
///     func makeTransport() async throws -> any Transport { MyTransport() }
/// }
/// ```
public protocol TransportUnderTest: Sendable {
    /// What reports call it.
    var name: String { get }

    /// Where a listener of a case may listen: free, and a new one each time it is read (port 0, or a new name).
    var listenEndpoint: Endpoint { get throws }

    /// A new transport; all that one value makes can reach each other.
    func makeTransport() async throws -> any Transport

    /// Whether there are datagrams; by default not.
    var supportsDatagrams: Bool { get }

    /// The largest message that may be sent and received, in bytes; by default 4 MiB.
    var maximumMessageBytes: Int { get }

    /// How many bytes cases about back-pressure send, at least 24 MiB: more than a sender may get ahead of a reader. By
    /// default 64 MiB.
    var bulkBytes: Int { get }

    /// Whether both ends prove who they are, as under mutual TLS; by default not.
    var authenticatesPeers: Bool { get }

    /// How long one case may take before it counts as hung; by default two minutes, for it only bounds a hang.
    var caseTimeLimit: Duration { get }

    /// Where the tasks of a case run; by default, and with `nil`, the global executor. A simulation sees only what runs
    /// on its own.
    var executor: (any TaskExecutor)? { get }

    /// What measures ``caseTimeLimit``; by default `ContinuousClock`.
    var clock: any Clock<Duration> { get }

    /// Whether a connection outlives the peer's end of it, as a channel does that makes it anew; by default not: then
    /// it says that it is closed, and why.
    var connectionsOutlivePeers: Bool { get }

    /// Takes the server behind `listener` away at once and without a word, as when its process is killed.
    ///
    /// - Returns: Whether it was done; `false`, the default, passes over the cases about it.
    func vanish(_ listener: any Listener) async throws -> Bool
}

extension TransportUnderTest {
    public var supportsDatagrams: Bool { false }
    public var maximumMessageBytes: Int { 4_194_304 }
    public var bulkBytes: Int { 67_108_864 }
    public var authenticatesPeers: Bool { false }
    public var caseTimeLimit: Duration { .seconds(120) }
    public var executor: (any TaskExecutor)? { nil }
    public var clock: any Clock<Duration> { ContinuousClock() }
    public var connectionsOutlivePeers: Bool { false }
    public func vanish(_ listener: any Listener) async throws -> Bool { false }
}

extension TransportUnderTest {
    /// A task of a case, beside the one that runs it.
    func task<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) -> Task<Result, any Error> {
        Task(executorPreference: executor, operation: body)
    }
}
