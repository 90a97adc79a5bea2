/// The client's end of one call, in bytes: what a transport implements for its streams.
///
/// One task may send while another receives; two tasks must not send, or receive, at once.
/// Releasing the last reference before the call has ended cancels it.
public protocol ClientCall: AnyObject, Sendable {
    /// Sends one message, and returns when the transport has room for the next: a slow reader slows the sender.
    ///
    /// - Throws: ``TransportError``: the call's status when it has ended with an error;
    ///   ``StatusCode/failedPrecondition`` after ``finishSending()`` or when the call has ended well;
    ///   ``StatusCode/resourceExhausted`` for a message over the limit, which ends the call;
    ///   ``StatusCode/cancelled`` when the task is cancelled, which also cancels the call.
    func send(_ message: Bytes) async throws

    /// Says that no further message follows (half-close). Further calls do nothing.
    func finishSending() async throws

    /// What the server sent before its first message; waits for it.
    ///
    /// - Throws: ``TransportError`` when the call ends with an error before.
    func initialMetadata() async throws -> Metadata

    /// The next message; `nil` once the call has ended with ``StatusCode/ok``.
    ///
    /// - Throws: ``TransportError`` with the call's status, again on each further call;
    ///   ``StatusCode/cancelled`` when the task is cancelled, which also cancels the call.
    func receive() async throws -> Bytes?

    /// What came with the status; empty before the end.
    var trailers: Metadata { get }

    /// Cancels the call: the peer's handler is cancelled, waiting operations throw ``StatusCode/cancelled``.
    /// Does nothing after the end.
    func cancel()
}
