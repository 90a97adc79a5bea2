public import NodeTransport

/// Something that a resilient transport decided by itself: for logs and metrics.
public struct ResilienceEvent: Sendable, CustomStringConvertible {
    /// What kind; grows. The raw values are fit to be a metric's labels.
    public enum Kind: String, Sendable, CaseIterable {
        // Retries and hedging.
        /// A call is tried again.
        case retried
        /// A call would have been tried again, had the budget not been used up.
        case retryBudgetExhausted = "retry_budget_exhausted"
        /// A second copy of a call was sent.
        case hedged

        // Breakers and ejection.
        case breakerOpened = "breaker_opened"
        case breakerHalfOpened = "breaker_half_opened"
        case breakerClosed = "breaker_closed"
        case peerEjected = "peer_ejected"
        case peerReturned = "peer_returned"

        // Channels.
        /// The peers behind a target changed.
        case peersChanged = "peers_changed"
        case resolutionFailed = "resolution_failed"
        case connectFailed = "connect_failed"
        case connectionLost = "connection_lost"
        case connected

        // Racing.
        case raceWon = "race_won"
        /// The first wire did not answer and the second did: something on the way drops UDP.
        case udpBlocked = "udp_blocked"
        case udpUnblocked = "udp_unblocked"

        // Servers.
        /// A call or a connection was refused because a limit was hit; the event names it.
        case refusedByLimit = "refused_by_limit"
        /// A call was not begun because its deadline would pass before its answer.
        case shed
        /// An adaptive limit has another value.
        case limitChanged = "limit_changed"
    }

    /// What was decided.
    public let kind: Kind
    /// The peer or the target it is about.
    public let endpoint: Endpoint?
    /// The method, where it is about a call.
    public let method: MethodName?
    /// The name of the limit that was hit, out of a small fixed set: fit to be a metric's label.
    public let limit: String?
    /// For people: numbers and reasons.
    public let detail: String
    /// What went wrong, where something did.
    public let error: TransportError?

    public init(
        _ kind: Kind, endpoint: Endpoint? = nil, method: MethodName? = nil, limit: String? = nil, detail: String = "",
        error: TransportError? = nil
    ) {
        self.kind = kind
        self.endpoint = endpoint
        self.method = method
        self.limit = limit
        self.detail = detail
        self.error = error
    }

    /// `breaker_opened grpc://10.0.0.1:443 5 failures in a row: unavailable: …`.
    public var description: String {
        var text = kind.rawValue
        if let endpoint { text += " \(endpoint)" }
        if let method { text += " \(method)" }
        if let limit { text += " \(limit)" }
        if !detail.isEmpty { text += " \(detail)" }
        if let error { text += ": \(error)" }
        return text
    }
}

/// Takes events; called on whatever thread decides, so it should be quick.
public typealias ResilienceObserver = @Sendable (ResilienceEvent) -> Void
