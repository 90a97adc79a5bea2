import HTTP3Engine
import NodeTransport
import QUICEngine

/// Answers unary calls, and counts how often it executes each.
final class CallServer: EndpointOwner {
    /// Outlives a server that is replaced.
    final class Ledger {
        var executions: [Int: Int] = [:]
        var problems: [String] = []
    }

    /// How a test looks at objects that it must not keep.
    struct Weak {
        weak var object: AnyObject?
    }

    private struct Request {
        var call = -1
        var answerBytes = 0
        var body: [Bytes] = []

        var answersEarly: Bool { call % 2 == 0 }
        /// How long the handler takes.
        var work: QUICTime { call % 3 != 1 ? .milliseconds(150) : 0 }
    }

    private struct Pending {
        let time: QUICTime
        let request: Request
        let stream: Int64
        let connection: ObjectIdentifier
    }

    let endpoint: QUICEndpoint
    let ledger: Ledger
    private var pending: [Pending] = []
    private var now: QUICTime = 0
    private var requests: [ObjectIdentifier: [Int64: Request]] = [:]
    private(set) var wires: [ObjectIdentifier: CallWire] = [:]
    private(set) var connections: [Weak] = []

    init(_ endpoint: QUICEndpoint, _ ledger: Ledger) {
        self.endpoint = endpoint
        self.ledger = ledger
    }

    // A server that is replaced hears no more of its connections.
    deinit { for wire in wires.values { wire.quic.context = nil } }

    /// Request streams that are open now, as both engines see them.
    var openStreams: Int {
        wires.values.reduce(0) { $0 + $1.http3.openStreamCount + max($1.quic.openStreamCount - 6, 0) }
    }

    var ownDeadline: QUICTime? { pending.map(\.time).min() }

    func handleOwnTimeout(now: QUICTime) {
        let due = pending.filter { $0.time <= now }
        pending.removeAll { $0.time <= now }
        for answer in due {
            if let wire = wires[answer.connection] { self.answer(answer.request, answer.stream, wire) }
        }
    }

    func takeEvents(now: QUICTime) {
        self.now = now
        while let event = endpoint.pollEvent() { take(event, now: now) }
        for wire in wires.values { wire.deliver() }
    }

    private func take(_ event: QUICEvent, now: QUICTime) {
        guard let connection = event.connection else { return }
        let key = ObjectIdentifier(connection)
        switch event {
        case .connectionOpened:
            connections.append(Weak(object: connection))
            wires[key] = CallWire(connection, .server) { [unowned self] wire, event, batch, input in
                handle(wire, event, batch, input)
            }
        case .handshakeCompleted: wires[key]?.open(now: now)
        case .connectionClosed:
            wires[key] = nil
            requests[key] = nil
            pending.removeAll { $0.connection == key }
            connection.context = nil
        default: wires[key]?.take(event, now: now)
        }
    }

    private func handle(_ wire: CallWire, _ event: HTTP3Event, _ batch: HTTP3Events, _ input: Bytes) {
        let key = ObjectIdentifier(wire.quic)
        switch event {
        case .headers(let id, let range, _):
            var request = Request()
            for field in batch.fields[range] {
                if field.name == "call" { request.call = Int(field.value) ?? -1 }
                if field.name == "answer-bytes" { request.answerBytes = Int(field.value) ?? 0 }
            }
            requests[key, default: [:]][id] = request
            // Some answers begin before the request has ended.
            if request.answersEarly { answerHead(request, id, wire) }
        case .data(let id, let content):
            requests[key]?[id]?.body.append(content.bytes(of: input.bytes))
            wire.consume(id, content.count)
        case .end(let id):
            if let request = requests[key]?.removeValue(forKey: id) { execute(request, id, wire) }
        case .failed(let id, let code, let reason):
            ledger.problems.append("the server saw a malformed request: \(code) \(reason)")
            wire.reset(id, code)
        case .reset(let id, _), .stopSending(let id, _), .headersTooLarge(let id): give(up: id, wire)
        case .rejected(let id): wire.reset(id, .requestRejected)
        case .refuseStream(let id, let code): wire.stopReading(id, code)
        case .consumed(let id, let count): wire.consume(id, count)
        case .closed(let id): requests[key]?[id] = nil
        case .informational, .trailers, .unprocessed, .drained, .settingsReceived, .goAway: break
        }
    }

    private func give(up id: Int64, _ wire: CallWire) {
        requests[ObjectIdentifier(wire.quic)]?[id] = nil
        wire.reset(id, .requestCancelled)
    }

    private func execute(_ request: Request, _ id: Int64, _ wire: CallWire) {
        let body = request.body.flatMap { Array($0) }
        if Bytes(body) != Payload.request(request.call, count: body.count) {
            ledger.problems.append("the request of call \(request.call) came damaged")
        }
        ledger.executions[request.call, default: 0] += 1
        guard request.work > 0 else { return answer(request, id, wire) }
        pending.append(
            Pending(time: now + request.work, request: request, stream: id, connection: ObjectIdentifier(wire.quic)))
    }

    private func answer(_ request: Request, _ id: Int64, _ wire: CallWire) {
        if !request.answersEarly { answerHead(request, id, wire) }
        do throws(HTTP3SendError) {
            try wire.http3.submitBody(
                stream: id, payload: Payload.answer(request.call, count: request.answerBytes), isFinal: false)
            try wire.http3.submitTrailers(
                stream: id, prepared: [],
                extra: [HeaderPair(name: "grpc-status", value: "0"), HeaderPair(name: "grpc-message", value: "")])
        } catch {
            // The client has given up meanwhile.
            wire.reset(id, .requestCancelled)
        }
        wire.quic.sourceHasData()
    }

    private func answerHead(_ request: Request, _ id: Int64, _ wire: CallWire) {
        // Repeated fields, so that the dynamic table is used and its stream can be late.
        try? wire.http3.submitResponse(
            stream: id,
            prepared: [
                PreparedField(name: ":status", value: "200"), PreparedField(name: "server-name", value: "the server"),
            ], extra: [HeaderPair(name: "call", value: "\(request.call)")], isFinal: false)
        wire.quic.sourceHasData()
    }

    /// Tells every client that no more requests are taken (RFC 9114 §5.2).
    func goAway() {
        for wire in wires.values where wire.isOpen {
            wire.http3.shutdown()
            wire.quic.sourceHasData()
        }
    }

    func closeAll(now: QUICTime) {
        for wire in Array(wires.values) { wire.quic.close(code: HTTP3ErrorCode.internalError.rawValue, now: now) }
    }
}

/// What calls carry; each byte tells the call it belongs to.
enum Payload {
    static func request(_ call: Int, count: Int) -> Bytes {
        .random(count, seed: UInt64(truncatingIfNeeded: call) &* 2)
    }
    static func answer(_ call: Int, count: Int) -> Bytes {
        .random(count, seed: UInt64(truncatingIfNeeded: call) &* 2 &+ 1)
    }
}
