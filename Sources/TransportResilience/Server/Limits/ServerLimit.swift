public import NodeTransport

/// The limits that a call may hit: the name in the refusal's message, in its trailer `transport-limit`, and in the
/// event.
///
/// A limit is checked before the handler begins, so the call that was refused did nothing here. Its caller cannot be
/// sure of that all the same: a handler that passes on the error of a call of its own passes on these trailers too. So
/// the push-back in a refusal is a leave to try again for idempotent calls only; calls that are not are tried again only
/// where the wire proves that nobody began them.
public enum ServerLimit: String, Sendable, Hashable, CaseIterable {
    case addressRate = "address_rate"
    case addressCalls = "address_calls"
    case identityRate = "identity_rate"
    case identityCalls = "identity_calls"
    case totalRate = "total_rate"
    case totalCalls = "total_calls"
    /// All places are taken, and nobody may wait.
    case concurrency
    case queueLength = "queue_length"
    case queueWait = "queue_wait"
    case streams
    /// The answer would come after the call's deadline.
    case deadline

    /// The trailer that names the limit.
    public static let trailer = "transport-limit"

    /// The limit that the server named in its refusal; `nil` for any other error.
    public init?(namedIn error: TransportError) {
        guard let text = error.metadata[text: Self.trailer] else { return nil }
        self.init(rawValue: text)
    }

    /// For people.
    var explanation: String {
        switch self {
        case .addressRate: "too many calls from this address in a short time"
        case .addressCalls: "too many calls from this address at once"
        case .identityRate: "too many calls by this identity in a short time"
        case .identityCalls: "too many calls by this identity at once"
        case .totalRate: "too many calls in a short time"
        case .totalCalls: "too many calls at once"
        case .concurrency: "all places are taken"
        case .queueLength: "all places are taken, and too many calls wait already"
        case .queueWait: "no place became free in time"
        case .streams: "too many streams at once"
        case .deadline: "the answer would come after the deadline"
        }
    }
}
