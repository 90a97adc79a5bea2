import HTTP3Engine
import NodeTransport
import QUICEngine

/// Makes unary calls, each with a deadline at which it is given up. A call that the server has certainly not processed
/// is made again, on another connection if need be.
final class CallClient: EndpointOwner {
    enum Outcome: Equatable {
        case answered
        case failed(String)
        case deadlineExceeded
    }

    struct Call {
        let number: Int
        let start: QUICTime
        let deadline: QUICTime
        let requestBytes: Int
        let answerBytes: Int
        var hasStarted = false
        var stream: Int64?
        var answer: [Bytes] = []
        var outcome: Outcome?
        var end: QUICTime?
    }

    let endpoint: QUICEndpoint
    let path: QUICPath
    var calls: [Call]
    private(set) var problems: [String] = []
    private(set) var connections: [CallServer.Weak] = []
    private var wire: CallWire?
    /// After a connection that did not come about.
    private var connectAt: QUICTime = 0
    private var mayOpen = true
    private(set) var endedBy: [QUICCloseReason] = []

    init(_ endpoint: QUICEndpoint, _ path: QUICPath, _ calls: [Call]) {
        self.endpoint = endpoint
        self.path = path
        self.calls = calls
    }

    var isDone: Bool { calls.allSatisfy { $0.outcome != nil } }
    var openStreams: Int { wire.map { $0.http3.openStreamCount + max($0.quic.openStreamCount - 6, 0) } ?? 0 }
    var connection: QUICConnection? { wire?.quic }

    // MARK: Time

    var ownDeadline: QUICTime? {
        var next = QUICTime.max
        for call in calls where call.outcome == nil {
            next = min(next, call.hasStarted ? call.deadline : call.start)
        }
        if wire == nil, calls.contains(where: \.isWaiting) { next = min(next, connectAt) }
        return next == .max ? nil : next
    }

    func handleOwnTimeout(now: QUICTime) {
        for index in calls.indices where calls[index].outcome == nil {
            if calls[index].start <= now { calls[index].hasStarted = true }
            guard calls[index].deadline <= now else { continue }
            let stream = calls[index].stream
            finish(index, .deadlineExceeded, now)
            if let stream { wire?.reset(stream, .requestCancelled) }
        }
        submit(now: now)
    }

    private func finish(_ index: Int, _ outcome: Outcome, _ now: QUICTime) {
        guard calls[index].outcome == nil else { return }
        calls[index].outcome = outcome
        calls[index].end = now
        calls[index].stream = nil
    }

    // MARK: Sending

    private func submit(now: QUICTime) {
        guard calls.contains(where: \.isWaiting) else { return }
        guard let wire else {
            if connectAt <= now { connect(now: now) }
            return
        }
        if wire.isOpen, wire.http3.isGoingAway {
            // What is under way on it ends on it; here the connection ends with the last.
            if !calls.contains(where: { $0.stream != nil }) { wire.quic.close(code: 0x100, now: now) }
            return
        }
        guard wire.isOpen, mayOpen else { return }
        for index in calls.indices where calls[index].isWaiting {
            do throws(QUICError) {
                try send(index, wire, try wire.quic.openStream(isBidirectional: true), now)
            } catch {
                mayOpen = false
                return
            }
        }
    }

    private func send(_ index: Int, _ wire: CallWire, _ stream: QUICStream, _ now: QUICTime) throws(QUICError) {
        let call = calls[index]
        calls[index].stream = stream.id
        calls[index].answer = []
        do throws(HTTP3SendError) {
            try wire.http3.submitRequest(
                stream: stream.id, prepared: Self.fields,
                extra: [
                    HeaderPair(name: "call", value: "\(call.number)"),
                    HeaderPair(name: "answer-bytes", value: "\(call.answerBytes)"),
                ], isFinal: false)
            try wire.http3.submitBody(
                stream: stream.id, payload: Payload.request(call.number, count: call.requestBytes), isFinal: true)
        } catch {
            finish(index, .failed("\(error)"), now)
            wire.reset(stream.id, .requestCancelled)
        }
        wire.quic.sourceHasData()
    }

    private static var fields: [PreparedField] {
        [
            PreparedField(name: ":method", value: "POST"), PreparedField(name: ":scheme", value: "https"),
            PreparedField(name: ":path", value: "/test.Calls/Unary"),
            PreparedField(name: ":authority", value: "localhost"),
        ]
    }

    private func connect(now: QUICTime) {
        connectAt = now + .milliseconds(100)
        do throws(QUICError) {
            let connection = try endpoint.connect(to: path, serverName: "localhost", now: now)
            connections.append(CallServer.Weak(object: connection))
            // A call that waits for credit sends nothing, and the server may be talking to an address that is gone.
            connection.keepAlive(every: .seconds(2))
            mayOpen = true
            wire = CallWire(connection, .client) { [unowned self] wire, event, batch, input in
                handle(wire, event, input)
            }
        } catch {
            problems.append("no connection: \(error)")
        }
    }

    /// Nothing more is wanted.
    func close(now: QUICTime) { wire?.quic.close(code: 0x100, now: now) }

    // MARK: Receiving

    private var now: QUICTime = 0

    func takeEvents(now: QUICTime) {
        self.now = now
        while let event = endpoint.pollEvent() { take(event) }
        wire?.deliver()
        submit(now: now)
    }

    private func take(_ event: QUICEvent) {
        guard let connection = event.connection else { return }
        guard let wire, wire.quic === connection else {
            if case .connectionClosed = event { return }
            problems.append("an event of a connection that is over: \(event)")
            return
        }
        switch event {
        case .handshakeCompleted: wire.open(now: now)
        case .streamsAvailable: mayOpen = true
        case .connectionClosed(_, let reason):
            endedBy.append(reason)
            connection.context = nil
            self.wire = nil
            for index in calls.indices where calls[index].stream != nil { finish(index, .failed("\(reason)"), now) }
        default: wire.take(event, now: now)
        }
    }

    private func handle(_ wire: CallWire, _ event: HTTP3Event, _ input: Bytes) {
        switch event {
        case .data(let id, let content):
            if let index = index(id) { calls[index].answer.append(content.bytes(of: input.bytes)) }
            wire.consume(id, content.count)
        case .end(let id): if let index = index(id) { complete(index) }
        case .failed(let id, let code, let reason):
            problems.append("the client saw a malformed answer: \(code) \(reason)")
            wire.reset(id, code)
        case .reset(let id, let code):
            if let index = index(id) { finish(index, .failed("reset \(code)"), now) }
            wire.reset(id, .requestCancelled)
        case .unprocessed(let id):
            // Safe to be made again.
            if let index = index(id) { calls[index].stream = nil }
            wire.reset(id, .requestCancelled)
        case .stopSending(let id, let code): wire.reset(id, code)
        case .closed(let id):
            guard let index = index(id) else { return }
            problems.append("call \(calls[index].number): its stream closed without a word")
            finish(index, .failed("closed"), now)
        case .refuseStream(let id, let code): wire.stopReading(id, code)
        case .consumed(let id, let count): wire.consume(id, count)
        case .headers, .informational, .trailers, .headersTooLarge, .rejected, .drained, .settingsReceived, .goAway:
            break
        }
    }

    private func index(_ stream: Int64) -> Int? { calls.firstIndex { $0.stream == stream && $0.outcome == nil } }

    private func complete(_ index: Int) {
        let call = calls[index]
        let answer = Bytes(call.answer.flatMap { Array($0) })
        if answer != Payload.answer(call.number, count: call.answerBytes) {
            problems.append(
                "the answer to call \(call.number) came damaged: \(answer.count) of \(call.answerBytes) bytes")
        }
        finish(index, .answered, now)
    }
}

extension CallClient.Call {
    /// It is to be sent.
    var isWaiting: Bool { hasStarted && outcome == nil && stream == nil }
}
