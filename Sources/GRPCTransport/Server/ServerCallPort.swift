internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization

/// What HTTP/2 does for a server's calls.
///
/// Soundness of `@unchecked Sendable`: the peer is behind a mutex; all else is used on the connection's loop only.
final class ServerCallPort: ServerCallWire, @unchecked Sendable {
    private let wire: HTTP2Wire
    let remoteEndpoint: Endpoint
    private let verifiedPeer = Mutex<PeerIdentity?>(nil)

    // Fields that are sent with every response; they belong to this connection's engine.
    let responseHead = [
        PreparedField(name: ":status", value: "200"), PreparedField(name: "content-type", value: "application/grpc"),
    ]
    private let okTrailers = [PreparedField(name: "grpc-status", value: "0")]

    init(_ wire: HTTP2Wire, _ remoteEndpoint: Endpoint) {
        self.wire = wire
        self.remoteEndpoint = remoteEndpoint
    }

    var peer: PeerIdentity? {
        get { verifiedPeer.withLock { $0 } }
        set { verifiedPeer.withLock { $0 = newValue } }
    }

    func sendHead(_ handle: CallHandle, initial: Metadata) {
        wire.engine.sendHeaders(
            StreamHandle(handle), prepared: responseHead, extra: initial.isEmpty ? [] : initial.headerPairs,
            endStream: false)
        wire.scheduleFlush()
    }

    func write(_ message: Bytes, to handle: CallHandle) {
        wire.engine.sendData(
            StreamHandle(handle), prefix: UInt64(message.count) << 24, prefixCount: MessageAssembler.prefixBytes,
            payload: message, endStream: false)
        wire.scheduleFlush()
    }

    func sendTrailers(_ handle: CallHandle, trailers: Metadata) {
        wire.engine.sendTrailers(
            StreamHandle(handle), prepared: okTrailers, extra: trailers.isEmpty ? [] : trailers.headerPairs)
        wire.scheduleFlush()
    }

    func sendStatus(
        _ handle: CallHandle, _ status: TransportError, trailers: Metadata, isHeadSent: Bool, initial: Metadata
    ) {
        let handle = StreamHandle(handle)
        let extra = status.statusPairs + (trailers.headerPairs + status.metadata.headerPairs)
        if isHeadSent {
            wire.engine.sendTrailers(handle, prepared: [], extra: extra)
        } else if initial.isEmpty {
            wire.engine.sendHeaders(handle, prepared: responseHead, extra: extra, endStream: true)
        } else {
            wire.engine.sendHeaders(handle, prepared: responseHead, extra: initial.headerPairs, endStream: false)
            wire.engine.sendTrailers(handle, prepared: [], extra: extra)
        }
        wire.scheduleFlush()
    }

    func unsentBytes(_ handle: CallHandle) -> Int { wire.engine.queuedBytes(StreamHandle(handle)) }

    func consume(_ handle: CallHandle, byteCount: Int) {
        wire.engine.consume(StreamHandle(handle), byteCount)
        wire.scheduleFlush()
    }
}
