internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport

/// What HTTP/2 does for a client's calls.
///
/// Soundness of `@unchecked Sendable`: it is used on the connection's loop only.
final class ClientCallPort: ClientCallWire, @unchecked Sendable {
    private let wire: HTTP2Wire
    /// Keeps calls that wait for a stream; gone once it is closed.
    var connection: ClientConnection?

    init(_ wire: HTTP2Wire) { self.wire = wire }

    func write(_ message: Bytes, to handle: CallHandle) {
        wire.engine.sendData(
            StreamHandle(handle), prefix: UInt64(message.count) << 24, prefixCount: MessageAssembler.prefixBytes,
            payload: message, endStream: false)
        wire.scheduleFlush()
    }

    func endStream(_ handle: CallHandle) {
        wire.engine.endStream(StreamHandle(handle))
        wire.scheduleFlush()
    }

    func resetStream(_ handle: CallHandle, isCancelled: Bool) {
        wire.engine.reset(StreamHandle(handle), isCancelled ? .cancel : .noError)
        wire.scheduleFlush()
    }

    func unsentBytes(_ handle: CallHandle) -> Int { wire.engine.queuedBytes(StreamHandle(handle)) }

    func consume(_ handle: CallHandle, byteCount: Int) {
        wire.engine.consume(StreamHandle(handle), byteCount)
        wire.scheduleFlush()
    }

    func dequeue(_ call: ClientCallState) {
        connection?.onLoop { connection in connection.queue.removeAll { $0 === call } }
    }
}
