public import NodeTransport

/// Why neither wire of a race reached the peer: the cause of the error that `connect` throws.
public struct RaceFailure: Error, Sendable, CustomStringConvertible {
    /// Why the first wire failed.
    public let first: TransportError
    /// Why the second wire failed.
    public let second: TransportError

    /// Both reasons.
    public var description: String { "\(first); and \(second)" }

    /// One error for both: with their code where they agree, else `unavailable`.
    var error: TransportError {
        TransportError(
            first.code == second.code ? first.code : .unavailable, "neither wire reached the peer", cause: self,
            origin: first.origin == second.origin ? first.origin : .library, processing: .notProcessed)
    }
}
