public import NodeTransport

/// When a peer counts as broken, and for how long it is then left alone.
///
/// Every combination of values is valid: the initializer brings each into its range.
public struct BreakerPolicy: Sendable {
    /// So many failures in a row open the breaker.
    public let consecutiveFailures: Int
    /// So large a part of the calls within ``window`` opens it, once there are ``minimumCalls``.
    public let failureRatio: Double
    /// From how many calls within ``window`` on the ratio counts.
    public let minimumCalls: Int
    /// How far back calls are counted; in ten steps, so that the oldest tenth drops out as a whole.
    public let window: Duration
    /// For how long it is open the first time; the n-th time in a row n times as long. It is in a row when the breaker
    /// has not been closed since for as long as it had been open.
    public let openDuration: Duration
    /// The longest time for which it is open.
    public let maximumOpenDuration: Duration
    /// Whether an error speaks against the peer.
    ///
    /// Cancelled calls count for nothing and are not asked about. An error of the peer's that is no failure counts as a
    /// success, since the peer has answered; an error of this side's that is none counts for nothing.
    public let isFailure: @Sendable (TransportError) -> Bool

    /// - Parameters:
    ///   - consecutiveFailures: 1...1,000,000.
    ///   - failureRatio: 0.01...1.
    ///   - minimumCalls: 1...1,000,000.
    ///   - window: 10 ms to a day.
    ///   - openDuration: 1 ms to a day.
    ///   - maximumOpenDuration: `openDuration` to a day.
    ///   - isFailure: Whether an error speaks against the peer.
    public init(
        consecutiveFailures: Int = 5, failureRatio: Double = 0.5, minimumCalls: Int = 20,
        window: Duration = .seconds(10), openDuration: Duration = .seconds(30),
        maximumOpenDuration: Duration = .seconds(300),
        isFailure: @escaping @Sendable (TransportError) -> Bool = BreakerPolicy.isFailureOfPeer
    ) {
        let day = Duration.seconds(86_400)
        self.consecutiveFailures = min(max(consecutiveFailures, 1), 1_000_000)
        // Also what "not a number" becomes.
        self.failureRatio = failureRatio >= 0.01 ? min(failureRatio, 1) : 0.01
        self.minimumCalls = min(max(minimumCalls, 1), 1_000_000)
        self.window = min(max(window, .milliseconds(10)), day)
        self.openDuration = min(max(openDuration, .milliseconds(1)), day)
        self.maximumOpenDuration = min(max(maximumOpenDuration, self.openDuration), day)
        self.isFailure = isFailure
    }

    /// 5 failures in a row, or half of 20 calls and more within 10 s; open for 30 s, 60 s … 5 minutes.
    public static let `default` = BreakerPolicy()

    /// A deadline that passed, unless before the call began; `unavailable`, `internal` and `unknown` unless they are of
    /// this side's making. Not what a healthy peer answers, such as `invalidArgument`.
    ///
    /// Connections that cannot be made count, and calls that the peer refuses unseen: right where nobody else spares a
    /// peer that is away. Beneath a channel take ``ResilienceProfile/isFailureOfCall``: the channel has its own delays
    /// between attempts, and a breaker that the attempts have opened keeps it from a peer that is back.
    public static let isFailureOfPeer: @Sendable (TransportError) -> Bool = { error in
        switch error.code {
        case .deadlineExceeded: error.origin != .local || error.processing != .notProcessed
        case .unavailable, .internal, .unknown: error.origin != .local
        default: false
        }
    }
}

/// What one call says about its peer.
enum BreakerVerdict: Sendable, Equatable {
    case success, failure
    /// Nothing: it was cancelled, or it never concerned the peer.
    case neither

    /// - Parameter state: How the call's connection is doing; `nil` where it was to be made.
    init(of error: any Error, _ policy: BreakerPolicy, _ state: ConnectionState?) {
        self = .neither
        guard let error = error as? TransportError, error.code != .cancelled else { return }
        switch state {
        // A connection that is over refuses calls however well the peer is by now.
        case .draining, .closed(.some): if error.processing == .notProcessed { return }
        // This side has closed it.
        case .closed(.none): return
        case .connecting, .ready, .none: break
        }
        if policy.isFailure(error) {
            self = .failure
        } else if error.origin == .remote {
            self = .success
        }
    }
}
