internal import DAGProtocol
internal import FoundationEssentials

/// Remembers nonces for as long as a request with them could be accepted again.
///
/// Requests are accepted from 5 minutes before to 5 minutes after this node's time, so a nonce is remembered for at least
/// 10 minutes. It is not remembered over a restart.
struct ReplayGuard {
    /// How many nonces are remembered at most; then requests are refused until the older half may be forgotten.
    static let maximumNonces = 200_000
    private static let lifetime: Duration = .seconds(600)

    private var current: Set<Data> = []
    private var previous: Set<Data> = []
    private var turnedAt: Timestamp?

    /// What came of ``insert(_:now:)``.
    enum Result { case new, replayed, full }

    mutating func insert(_ nonce: Data, now: Timestamp) -> Result {
        if let turnedAt, now.duration(since: turnedAt) > Self.lifetime {
            previous = current
            current = []
            self.turnedAt = now
        }
        turnedAt = turnedAt ?? now
        guard !current.contains(nonce), !previous.contains(nonce) else { return .replayed }
        guard current.count + previous.count < Self.maximumNonces else { return .full }
        current.insert(nonce)
        return .new
    }
}
