public import NodeTransport

/// Something that happened in a node and that its operator may want to see.
public enum NodeEvent: Sendable, CustomStringConvertible {
    /// A peer can be reached, and has said who it is.
    case peerConnected(Endpoint, id: String)
    /// A peer cannot be reached, or no longer; it is tried again after the delay.
    case peerLost(Endpoint, reason: String, retryAfter: Duration)
    /// A comparison with a peer came to its end.
    case repaired(peer: String, RepairReport)
    /// A comparison with a peer failed; it is tried again.
    case repairFailed(peer: String, reason: String)
    /// Transactions were linked into the DAG.
    case linked(Int)
    /// A transaction was handed to a peer, or was not.
    case broadcast(id: String, peer: Endpoint, BroadcastResult)
    /// It has been written down which of this many transactions peers have acknowledged.
    case acknowledgementsRecorded(Int)
    /// A transaction was refused because its id is taken by another content.
    case conflict(id: String, from: String)
    /// Work in the background failed; it is tried again.
    case failed(String, any Error)

    /// Whether something went wrong.
    public var isProblem: Bool {
        switch self {
        case .peerLost, .repairFailed, .conflict, .failed: true
        case .repaired(_, let report): report.corrupt > 0
        case .peerConnected, .linked, .broadcast, .acknowledgementsRecorded: false
        }
    }

    public var description: String {
        switch self {
        case .peerConnected(let endpoint, let id): "peer \(id) connected at \(endpoint)"
        case .peerLost(let endpoint, let reason, let delay):
            "peer \(endpoint) lost, trying again after \(delay): \(reason)"
        case .repaired(let peer, let report): "compared with \(peer): \(report)"
        case .repairFailed(let peer, let reason): "comparison with \(peer) failed: \(reason)"
        case .linked(let count): "linked \(count) transactions"
        case .broadcast(let id, let peer, let result): "transaction \(id) to \(peer): \(result)"
        case .acknowledgementsRecorded(let count): "recorded acknowledgements of \(count) transactions"
        case .conflict(let id, let source):
            "transaction \(id) from \(source) refused: the id is taken by another content"
        case .failed(let what, let error): "\(what) failed: \(error)"
        }
    }
}
