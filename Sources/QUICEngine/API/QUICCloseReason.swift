/// Why a connection is over.
package enum QUICCloseReason {
    /// The application of one end closed it.
    case application(code: UInt64, reason: String, byPeer: Bool)

    /// A transport error (RFC 9000 §20.1), or `NO_ERROR`.
    case transport(code: UInt64, reason: String, byPeer: Bool)

    /// The TLS handshake failed (RFC 9001 §4.8).
    case tls(alert: UInt8, reason: String, byPeer: Bool)

    /// This side refused the peer's certificates; `error` is the verifier's.
    case certificateRefused(alert: UInt8, error: any Error)

    /// Nothing came for longer than the idle timeout.
    case idleTimeout

    case handshakeTimeout

    /// The peer does not know the connection (any more).
    case statelessReset

    /// The server supports no version that this client does.
    case versionNegotiationFailed

    /// The first packet was not one of ours to answer.
    case dropped

    /// The endpoint is gone.
    case endpointClosed
}
