public import NodeTransport

/// What goes around a wire, and with which numbers: a start that suits most, to be changed where it does not.
public struct ResilienceProfile: Sendable {
    /// How a peer is chosen for each call.
    public var balancer: Balancer

    /// How connections are kept, and when a peer that answers badly is left out.
    public var channel: ChannelConfiguration

    /// When a peer counts as broken; `nil` for no breakers.
    ///
    /// Those of the profiles here do not count attempts to connect: how often to connect is the channel's to decide, and a
    /// breaker that opened meanwhile would keep it from a peer that is back.
    public var breaker: BreakerPolicy?

    /// What is tried again.
    public var retry: RetryPolicy

    /// How many retries a target's calls may have.
    public var budget: RetryBudget.Limits

    public init(
        balancer: Balancer, channel: ChannelConfiguration = ChannelConfiguration(),
        breaker: BreakerPolicy? = BreakerPolicy(isFailure: ResilienceProfile.isFailureOfCall),
        retry: RetryPolicy = .default, budget: RetryBudget.Limits = RetryBudget.Limits()
    ) {
        self.balancer = balancer
        self.channel = channel
        self.breaker = breaker
        self.retry = retry
        self.budget = budget
    }

    /// As ``BreakerPolicy/isFailureOfPeer``, but for calls that the peer has not seen.
    public static let isFailureOfCall: @Sendable (TransportError) -> Bool = { error in
        error.processing != .notProcessed && BreakerPolicy.isFailureOfPeer(error)
    }

    /// What gRPC's clients do towards a service: the first peer that can be reached (`pick_first`), reconnecting after
    /// 1 s × 1.6 up to 120 s, 5 attempts at most; and breakers as Envoy has them.
    public static let service = ResilienceProfile(balancer: .pickFirst)

    /// Between the nodes of a ledger, of which any may answer: the less busy of two, reconnecting after 100 ms × 1.6 up to
    /// 10 s, 4 quick attempts, and breakers that look again after 5 s.
    public static let node: ResilienceProfile = {
        var channel = ChannelConfiguration()
        channel.backoff = .betweenNodes
        channel.attemptTimeout = .seconds(10)
        let backoff = Backoff(initialDelay: .milliseconds(50), maximumDelay: .seconds(1))
        return ResilienceProfile(
            balancer: .leastRequest, channel: channel,
            breaker: BreakerPolicy(
                openDuration: .seconds(5), maximumOpenDuration: .seconds(60), isFailure: isFailureOfCall),
            retry: RetryPolicy(attempts: Attempts(retries: 3), backoff: backoff))
    }()
}
