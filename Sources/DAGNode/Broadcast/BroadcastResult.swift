public import NodeTransport

/// What came of handing a transaction to one peer.
public enum BroadcastResult: Sendable, Hashable, CustomStringConvertible {
    /// It is durable there, and was new.
    case acknowledged
    /// It was there before.
    case alreadyKnown
    /// The peer refused it.
    case refused(StatusCode)
    /// The peer did not answer in time.
    case timedOut
    /// The peer is not connected.
    case unreachable
    /// Too many transactions were waiting for the peer.
    case dropped

    /// Whether the peer has it now.
    public var isHeld: Bool { self == .acknowledged || self == .alreadyKnown }

    init(_ error: any Error) {
        switch (error as? TransportError)?.code {
        case .deadlineExceeded?: self = .timedOut
        case .unavailable?, .cancelled?, nil: self = .unreachable
        case let code?: self = .refused(code)
        }
    }

    public var description: String {
        switch self {
        case .acknowledged: "acknowledged"
        case .alreadyKnown: "already known"
        case .refused(let code): "refused: \(code)"
        case .timedOut: "timed out"
        case .unreachable: "unreachable"
        case .dropped: "dropped"
        }
    }
}
