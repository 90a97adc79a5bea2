internal import NodeTransport

/// What a look-up has come to.
enum LookUpOutcome<Value: Sendable>: Sendable {
    /// What was found and how long it may be kept. `failure` says that a part is missing, or is what an earlier look-up
    /// has found.
    case found(Value, timeToLive: Duration, failure: TransportError?)
    /// There is none, and for how long that may be believed, where the server says so.
    case none(timeToLive: Duration?, reason: String)
    case failed(TransportError)
}
