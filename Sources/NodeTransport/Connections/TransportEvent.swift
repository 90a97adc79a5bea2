/// Something that happened on a listener or a connection and that no caller is waiting for.
public struct TransportEvent: Sendable, CustomStringConvertible {
    /// What kind; grows.
    public enum Kind: String, Sendable {
        /// A peer's handshake failed: it is refused, the listener goes on.
        case handshakeFailed = "handshake_failed"
        /// A connection was accepted and is ready.
        case connectionAccepted = "connection_accepted"
        /// A connection is over.
        case connectionClosed = "connection_closed"
        /// A connection was refused because a limit was hit; the error names it.
        case connectionRefused = "connection_refused"
        /// A peer was accepted although it matches no pin, for its pins are only audited; the error says which peer.
        case pinMismatch = "pin_mismatch"
        /// Accepting failed, for example for want of file descriptors.
        case acceptFailed = "accept_failed"
    }

    public let kind: Kind
    /// The peer's address, where it is known.
    public let remoteEndpoint: Endpoint?
    /// Why, where something went wrong.
    public let error: TransportError?

    public init(_ kind: Kind, remoteEndpoint: Endpoint?, error: TransportError? = nil) {
        self.kind = kind
        self.remoteEndpoint = remoteEndpoint
        self.error = error
    }

    public var description: String {
        var text = kind.rawValue
        if let remoteEndpoint { text += " \(remoteEndpoint)" }
        if let error { text += ": \(error)" }
        return text
    }
}
