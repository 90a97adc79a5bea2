/// When to ping a quiet connection, and how long to wait for the answer.
public struct KeepAlivePolicy: Sendable {
    /// How long a connection is quiet before it is pinged.
    public var interval: Duration
    /// How long the answer may take before the connection counts as lost.
    public var timeout: Duration

    public init(interval: Duration, timeout: Duration) {
        self.interval = interval
        self.timeout = timeout
    }

    /// Between nodes of one ledger: 10 s, 5 s.
    public static let node = KeepAlivePolicy(interval: .seconds(10), timeout: .seconds(5))
}
