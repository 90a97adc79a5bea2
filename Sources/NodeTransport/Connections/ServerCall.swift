/// The server's end of one call, in bytes: what a transport implements for its streams.
///
/// The handler's return ends the call with ``StatusCode/ok``, its error with that error's status.
/// When the peer cancels, vanishes or the deadline passes, the handler's task is cancelled.
public protocol ServerCall: AnyObject, Sendable {
    /// The method, metadata and deadline with which the call began.
    var head: CallHead { get }

    /// Who the peer has proved to be; `nil` without mutual TLS.
    var peer: PeerIdentity? { get }

    /// The peer's address.
    var remoteEndpoint: Endpoint { get }

    /// Metadata to send before the first message; later calls, once it has gone out, do nothing.
    func setInitialMetadata(_ metadata: Metadata)

    /// Sends the metadata that was set now, ahead of the first message; does nothing once it has gone out.
    ///
    /// - Throws: as ``receive()``.
    func sendInitialMetadata() async throws

    /// Metadata to send with the status.
    func setTrailers(_ metadata: Metadata)

    /// The next message; `nil` once the client has half-closed.
    ///
    /// - Throws: ``TransportError`` when the call has ended otherwise; ``StatusCode/cancelled`` when the
    ///   handler's task is cancelled; ``StatusCode/resourceExhausted`` for a message over the limit.
    func receive() async throws -> Bytes?

    /// Sends one message, and returns when the transport has room for the next.
    ///
    /// - Throws: as ``receive()``; ``StatusCode/resourceExhausted`` for a message over the limit.
    func send(_ message: Bytes) async throws
}
