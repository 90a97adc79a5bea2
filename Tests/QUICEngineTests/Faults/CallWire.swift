import HTTP3Engine
import NodeTransport
import QUICEngine

/// HTTP/3 on one QUIC connection, as a transport would have it: moves bytes and notices between the two engines.
final class CallWire: QUICStreamSource {
    let quic: QUICConnection
    var http3: HTTP3Connection
    /// Bound, so that requests may be sent.
    private(set) var isOpen = false
    private var events = HTTP3Events()
    private let handle: (CallWire, HTTP3Event, HTTP3Events, Bytes) -> Void

    init(
        _ quic: QUICConnection, _ role: HTTP3Role,
        handle: @escaping (CallWire, HTTP3Event, HTTP3Events, Bytes) -> Void
    ) {
        self.quic = quic
        self.handle = handle
        http3 = HTTP3Connection(role: role)
        quic.context = self
        quic.source = self
    }

    func open(now: QUICTime) {
        do throws(QUICError) {
            let control = try quic.openStream(isBidirectional: false)
            let encoder = try quic.openStream(isBidirectional: false)
            let decoder = try quic.openStream(isBidirectional: false)
            http3.bind(control: control.id, qpackEncoder: encoder.id, qpackDecoder: decoder.id)
            isOpen = true
            quic.sourceHasData()
        } catch {
            quic.close(code: HTTP3ErrorCode.generalProtocolError.rawValue, now: now)
        }
    }

    /// Takes what QUIC reports of a stream.
    func take(_ event: QUICEvent, now: QUICTime) {
        var input = Bytes()
        do throws(HTTP3Error) {
            switch event {
            case .streamData(let stream, let bytes, let isLast):
                input = bytes
                let count = try http3.receive(stream: stream.id, bytes.bytes, isFinal: isLast, into: &events)
                quic.consume(stream, byteCount: count)
            case .streamAcknowledged(let stream, let byteCount):
                http3.acknowledged(stream: stream.id, byteCount: byteCount)
            case .streamClosed(let stream, _): try http3.closed(stream: stream.id, into: &events)
            case .streamReset(let stream, let code):
                try http3.receivedReset(stream: stream.id, HTTP3ErrorCode(rawValue: code), into: &events)
            case .streamStopped(let stream):
                try http3.receivedStopSending(stream: stream.id, .requestCancelled, into: &events)
            case .streamUnblocked(let stream):
                http3.unblock(stream: stream.id)
                quic.sourceHasData()
            default: break
            }
        } catch {
            quic.close(code: error.code.rawValue, reason: error.reason, now: now)
        }
        deliver(input)
    }

    /// Events that no input led to come too.
    func deliver(_ input: Bytes = Bytes()) {
        while !events.list.isEmpty {
            var batch = HTTP3Events()
            swap(&batch, &events)
            for event in batch.list { handle(self, event, batch, input) }
        }
    }

    func consume(_ id: Int64, _ byteCount: Int) {
        if let stream = quic.stream(id) { quic.consume(stream, byteCount: byteCount) }
    }

    /// Gives a stream up in both directions.
    func reset(_ id: Int64, _ code: HTTP3ErrorCode) {
        http3.reset(stream: id, into: &events)
        guard let stream = quic.stream(id) else { return }
        quic.reset(stream, code: code.rawValue)
        quic.stopSending(stream, code: code.rawValue)
    }

    func stopReading(_ id: Int64, _ code: HTTP3ErrorCode) {
        if let stream = quic.stream(id) { quic.stopSending(stream, code: code.rawValue) }
    }

    // MARK: Feeding QUIC

    func nextOffer(_ vectors: UnsafeMutableBufferPointer<QUICVector>) -> QUICStreamOffer? {
        // Sound: both are a pointer and a count, laid out alike.
        let write = vectors.withMemoryRebound(to: OutputSegment.self) { try? http3.nextWrite(into: $0) }
        guard let write else { return nil }
        return QUICStreamOffer(stream: write.stream, vectorCount: write.segmentCount, isLast: write.isFinal)
    }

    func didAccept(stream: Int64, byteCount: Int) {
        http3.didWrite(stream: stream, byteCount: byteCount, into: &events)
    }

    func didBlock(stream: Int64) { http3.block(stream: stream) }
    func didShutWrite(stream: Int64) { http3.shutdownWrite(stream: stream) }
}

extension QUICEvent {
    /// The connection it is about; nil when there is none.
    var connection: QUICConnection? {
        switch self {
        case .connectionOpened(let connection), .handshakeCompleted(let connection),
            .handshakeConfirmed(let connection),
            .earlyDataRejected(let connection), .connectionClosed(let connection, _),
            .streamsAvailable(let connection, _), .pathValidated(let connection, _, _), .pathChanged(let connection, _),
            .keyUpdated(let connection), .sessionTicket(let connection, _), .newToken(let connection, _),
            .datagram(let connection, _), .datagramAcknowledged(let connection, _), .datagramLost(let connection, _):
            connection
        case .streamData(let stream, _, _), .streamReset(let stream, _),
            .streamStopped(let stream), .streamWritable(let stream), .streamUnblocked(let stream),
            .streamAcknowledged(let stream, _), .streamClosed(let stream, _):
            stream.connection
        case .connectionRefused: nil
        }
    }
}
