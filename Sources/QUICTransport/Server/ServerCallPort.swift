internal import EventLoops
internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP3Engine
internal import NodeTransport
internal import StreamTables
internal import Synchronization

/// What HTTP/3 does for a server's calls.
///
/// Soundness of `@unchecked Sendable`: the peer is behind a mutex; all else is used on the connection's loop only.
final class ServerCallPort: ServerCallWire, @unchecked Sendable {
    /// Gone once the connection is closed.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var wire: HTTP3Wire?
    let remoteEndpoint: Endpoint
    private let verifiedPeer = Mutex<PeerIdentity?>(nil)
    /// The calls that are not over, by stream.
    let calls = StreamMap<ServerCallState>()

    // Fields that are sent with every response; they belong to this connection's engine.
    private let responseHead = [
        PreparedField(name: ":status", value: "200"), PreparedField(name: "content-type", value: "application/grpc"),
    ]
    private let okTrailers = [PreparedField(name: "grpc-status", value: "0")]

    init(_ wire: HTTP3Wire, _ remoteEndpoint: Endpoint) {
        self.wire = wire
        self.remoteEndpoint = remoteEndpoint
    }

    var peer: PeerIdentity? {
        get { verifiedPeer.withLock { $0 } }
        set { verifiedPeer.withLock { $0 = newValue } }
    }

    func sendHead(_ handle: CallHandle, initial: Metadata) {
        attempt(handle.id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitResponse(
                stream: handle.id, prepared: responseHead, extra: initial.isEmpty ? [] : initial.headerPairs,
                isFinal: false)
        }
    }

    func write(_ message: Bytes, to handle: CallHandle) {
        attempt(handle.id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitBody(
                stream: handle.id, prefix: UInt64(message.count), prefixCount: MessageAssembler.prefixBytes,
                payload: message, isFinal: false)
        }
    }

    func sendTrailers(_ handle: CallHandle, trailers: Metadata) {
        attempt(handle.id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitTrailers(
                stream: handle.id, prepared: okTrailers, extra: trailers.isEmpty ? [] : trailers.headerPairs)
        }
        finished(handle.id)
    }

    func sendStatus(
        _ handle: CallHandle, _ status: TransportError, trailers: Metadata, isHeadSent: Bool, initial: Metadata
    ) {
        let extra = status.statusPairs + (trailers.headerPairs + status.metadata.headerPairs)
        attempt(handle.id) { (wire) throws(HTTP3SendError) in
            if !isHeadSent, initial.isEmpty {
                return try wire.http3.submitResponse(
                    stream: handle.id, prepared: responseHead, extra: extra, isFinal: true)
            }
            if !isHeadSent {
                try wire.http3.submitResponse(
                    stream: handle.id, prepared: responseHead, extra: initial.headerPairs, isFinal: false)
            }
            try wire.http3.submitTrailers(stream: handle.id, prepared: [], extra: extra)
        }
        finished(handle.id)
    }

    func unsentBytes(_ handle: CallHandle) -> Int { wire?.http3.queuedBytes(handle.id) ?? 0 }

    func consume(_ handle: CallHandle, byteCount: Int) { wire?.consume(handle.id, byteCount) }

    /// Sends something on a stream. What the client refuses by its settings resets the stream; a stream that is gone is
    /// of no interest.
    private func attempt(_ id: Int64, _ body: (HTTP3Wire) throws(HTTP3SendError) -> Void) {
        guard let wire else { return }
        do throws(HTTP3SendError) {
            try body(wire)
            wire.sourceHasData()
        } catch {
            if case .fieldSectionTooLarge = error { wire.reset(id, .excessiveLoad) }
        }
    }

    /// The answer is complete: the rest of the request, if there is any, is not wanted (RFC 9114 §4.1).
    private func finished(_ id: Int64) {
        calls.remove(id)
        guard let wire, !wire.http3.isReadComplete(id) else { return }
        wire.stopReading(id, .noError)
    }

    /// Accepts the request that datagrams stand beside.
    func acceptSession(_ id: Int64) {
        attempt(id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitResponse(stream: id, prepared: responseHead, isFinal: false)
        }
    }

    /// Ends that request.
    func endSession(_ id: Int64) {
        attempt(id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitTrailers(stream: id, prepared: okTrailers)
        }
        finished(id)
    }

    /// Answers a call that has no handler with a status.
    func refuse(_ id: Int64, _ status: TransportError) {
        attempt(id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitResponse(
                stream: id, prepared: responseHead, extra: status.statusPairs + status.metadata.headerPairs,
                isFinal: true)
        }
        finished(id)
    }

    /// Answers a request that is not gRPC.
    func refuse(_ id: Int64, httpStatus: String, _ message: String) {
        var fields = [
            HeaderPair(name: ":status", value: httpStatus), HeaderPair(name: "content-type", value: "text/plain"),
        ]
        // RFC 9110 §15.5.6
        if httpStatus == "405" { fields.append(HeaderPair(name: "allow", value: "POST")) }
        attempt(id) { (wire) throws(HTTP3SendError) in
            try wire.http3.submitResponse(stream: id, prepared: [], extra: fields, isFinal: message.isEmpty)
            if !message.isEmpty {
                try wire.http3.submitBody(stream: id, payload: Bytes(utf8: message), isFinal: true)
            }
        }
        finished(id)
    }
}
