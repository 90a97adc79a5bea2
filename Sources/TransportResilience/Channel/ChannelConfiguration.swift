/// How a channel keeps its connections, and what calls do while there is none.
public struct ChannelConfiguration: Sendable {
    /// The delays between attempts to connect to a peer that cannot be reached; each is at least 1 ms.
    public var backoff = Backoff.reconnecting

    /// How long one attempt to connect may take, handshakes included; 20 s.
    public var attemptTimeout: Duration = .seconds(20)

    /// How many attempts to connect of one channel are under way at one time; 64.
    public var maximumAttempts = 64

    /// Whether `connect(to:)` returns at once, with a channel that is still connecting; otherwise it returns when the
    /// first peer is ready, and throws when all have failed once.
    public var connectsLazily = false

    /// How many calls of a channel may wait at one time for a peer to be ready; one more fails at once with
    /// `resourceExhausted`. 1,024.
    public var maximumWaitingCalls = 1024

    /// How many peers are taken from a resolver's list; the rest is left out. 1,024.
    public var maximumPeers = 1024

    /// How long calls in flight may go on at a peer that has left the list, or that is being replaced; 10 minutes.
    public var drainGrace: Duration = .seconds(600)

    /// When a peer that answers badly is left out for a while; `nil` for never.
    public var outliers: OutlierPolicy? = .default

    /// Asks each peer whether it wants calls; `nil` takes it for granted.
    public var health: (any PeerHealth)?

    /// What the channel's own tasks run on: those that connect, wait for a time and follow the resolver. `nil` is the
    /// pool that all tasks share. In a simulation it has to be an executor of the simulation, which else would not
    /// see that there is work, and would move the time on.
    public var executor: (any TaskExecutor)?

    public init() {}
}

extension Backoff {
    /// What gRPC's clients wait between attempts to connect: 1 s, × 1.6, up to 120 s, each more or less by a fifth.
    public static let reconnecting = Backoff(
        initialDelay: .seconds(1), multiplier: 1.6, maximumDelay: .seconds(120), jitter: .fraction(0.2))

    /// What nodes of one ledger wait between attempts to connect: 100 ms, × 1.6, up to 10 s, each more or less by a
    /// fifth.
    public static let betweenNodes = Backoff(
        initialDelay: .milliseconds(100), multiplier: 1.6, maximumDelay: .seconds(10), jitter: .fraction(0.2))
}
