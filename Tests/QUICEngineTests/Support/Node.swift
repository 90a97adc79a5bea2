import NodeTransport
import QUICEngine

/// An endpoint and what a plain application does with its events.
final class Node {
    enum Behaviour {
        /// Keeps what arrives and gives credit for it.
        case collect
        /// The same, and sends it back.
        case echo
        /// Keeps what arrives and gives no credit.
        case hold
    }

    let endpoint: QUICEndpoint
    var address: QUICAddress
    /// Addresses it had before, at which it can still be reached.
    var others: [QUICAddress] = []
    var behaviour: Behaviour

    var connections: [QUICConnection] = []
    var received: [Int64: [UInt8]] = [:]
    var ended: Set<Int64> = []
    var resets: [Int64: UInt64] = [:]
    var stopped: Set<Int64> = []
    var closedStreams: [Int64: UInt64?] = [:]
    var writable: [Int64] = []
    var datagrams: [Bytes] = []
    var acknowledgedDatagrams: Set<UInt64> = []
    var lostDatagrams: Set<UInt64> = []
    var completed = 0
    var confirmed = 0
    var keyUpdates = 0
    var tickets: [QUICSession] = []
    var tokens: [Bytes] = []
    var refusals: [QUICLimit] = []
    var closes: [QUICCloseReason] = []
    var pathChanges: [QUICPath] = []
    var validations: [(QUICPath, Bool)] = []
    var earlyDataRejections = 0
    var streamsAvailable = 0
    var onEvent: ((QUICEvent) -> Void)?

    private var unsent: [ObjectIdentifier: (stream: QUICStream, bytes: [Bytes], isLast: Bool)] = [:]

    init(_ endpoint: QUICEndpoint, _ address: QUICAddress, _ behaviour: Behaviour) {
        self.endpoint = endpoint
        self.address = address
        self.behaviour = behaviour
    }

    var connection: QUICConnection? { connections.last }

    func takeEvents() {
        while let event = endpoint.pollEvent() { take(event) }
    }

    private func take(_ event: QUICEvent) {
        switch event {
        case .connectionOpened(let connection): connections.append(connection)
        case .handshakeCompleted: completed += 1
        case .handshakeConfirmed: confirmed += 1
        case .earlyDataRejected: earlyDataRejections += 1
        case .connectionClosed(_, let reason): closes.append(reason)
        case .connectionRefused(_, let limit): refusals.append(limit)
        case .streamsAvailable: streamsAvailable += 1
        case .pathValidated(_, let path, let isValid): validations.append((path, isValid))
        case .pathChanged(_, let path): pathChanges.append(path)
        case .keyUpdated: keyUpdates += 1
        case .sessionTicket(_, let session): tickets.append(session)
        case .newToken(_, let token): tokens.append(token)
        case .streamData(let stream, let bytes, let isLast): takeData(stream, bytes, isLast)
        case .streamReset(let stream, let code): resets[stream.id] = code
        case .streamStopped(let stream): stopped.insert(stream.id)
        case .streamWritable(let stream):
            writable.append(stream.id)
            sendUnsent(stream)
        case .streamUnblocked, .streamAcknowledged: break
        case .streamClosed(let stream, let code): closedStreams[stream.id] = .some(code)
        case .datagram(let connection, let bytes):
            datagrams.append(bytes)
            if behaviour == .echo { _ = try? connection.sendDatagram(bytes) }
        case .datagramAcknowledged(_, let id): acknowledgedDatagrams.insert(id)
        case .datagramLost(_, let id): lostDatagrams.insert(id)
        }
        onEvent?(event)
    }

    private func takeData(_ stream: QUICStream, _ bytes: Bytes, _ isLast: Bool) {
        bytes.withUnsafeBytes { received[stream.id, default: []].append(contentsOf: $0) }
        if isLast { ended.insert(stream.id) }
        if behaviour != .hold { stream.connection.consume(stream, byteCount: bytes.count) }
        if behaviour == .echo && stream.isBidirectional { send(stream, bytes, isLast: isLast) }
    }

    /// Writes now what fits, and the rest when there is room.
    func send(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool) {
        let key = ObjectIdentifier(stream)
        if var waiting = unsent[key] {
            waiting.bytes.append(bytes)
            waiting.isLast = isLast
            unsent[key] = waiting
            return
        }
        if stream.connection.write(stream, bytes, isLast: isLast) == .refusedAsFull {
            unsent[key] = (stream, [bytes], isLast)
        }
    }

    private func sendUnsent(_ stream: QUICStream) {
        guard let waiting = unsent.removeValue(forKey: ObjectIdentifier(stream)) else { return }
        for (index, bytes) in waiting.bytes.enumerated() {
            send(stream, bytes, isLast: waiting.isLast && index == waiting.bytes.count - 1)
        }
    }
}
