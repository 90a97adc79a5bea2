internal import NodeTransport

/// What a look-up has come to.
enum LookUpOutcome<Value: Sendable>: Sendable {
    /// What was found and how long it may be kept. `failure` says that a part is missing, or is what an earlier look-up
    /// has found; no time to live that all of it is.
    case found(Value, timeToLive: Duration?, failure: TransportError?)
    /// There is none, and for how long that may be believed, where the server says so.
    case none(timeToLive: Duration?, reason: String)
    case failed(TransportError)

    /// The shorter of two times to live, where there are two.
    static func shorter(_ a: Duration?, _ b: Duration?) -> Duration? {
        guard let a, let b else { return a ?? b }
        return min(a, b)
    }
}
