internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP3Engine
internal import NodeTransport
internal import StreamTables

/// What HTTP/3 does for a client's calls.
///
/// Soundness of `@unchecked Sendable`: it is used on the connection's loop only.
final class ClientCallPort: ClientCallWire, @unchecked Sendable {
    /// Gone before and after the connection's life.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var wire: HTTP3Wire?
    /// Keeps the calls; gone once it is closed.
    var connection: QUICClientConnection?

    func write(_ message: Bytes, to handle: CallHandle) {
        // A stream that the server has stopped takes nothing; its answer says why.
        try? wire?.http3.submitBody(
            stream: handle.id, prefix: UInt64(message.count), prefixCount: MessageAssembler.prefixBytes,
            payload: message, isFinal: false)
        wire?.sourceHasData()
    }

    func endStream(_ handle: CallHandle) {
        try? wire?.http3.endStream(handle.id)
        wire?.sourceHasData()
    }

    func resetStream(_ handle: CallHandle, isCancelled: Bool) {
        guard isCancelled else {
            wire?.stopWriting(handle.id, .noError)
            return
        }
        connection?.onLoop(handle.id) { $0.calls.remove($1) }
        wire?.reset(handle.id, .requestCancelled)
    }

    func unsentBytes(_ handle: CallHandle) -> Int { wire?.http3.queuedBytes(handle.id) ?? 0 }

    func consume(_ handle: CallHandle, byteCount: Int) { wire?.consume(handle.id, byteCount) }

    func dequeue(_ call: ClientCallState) {
        connection?.onLoop { connection in connection.queue.removeAll { $0 === call } }
    }
}
