internal import NodeTransport

/// One call as both ends see it; pure: no lock, no clock, no continuation.
///
/// ```
/// running ──handler ends──▶ answered ──client has read everything──▶ over
///    └──────cancelled, deadline passed, connection lost──────────────▶ over
/// ```
struct CallMachine {
    /// The operations that can wait.
    enum Slot: Int, CaseIterable {
        case clientSend, clientReceive, clientMetadata, serverSend, serverReceive
    }

    /// What an operation comes to.
    enum Step<Value: Sendable>: Sendable {
        case done(Value)
        case failed(TransportError)
        /// Try again when the operation's slot is woken.
        case wait
    }

    /// What is to be done outside the lock.
    struct Effects {
        var wake: [Slot] = []
        /// The connection need not count the call any longer, and its timer can go.
        var hasLeft = false
        var cancelsHandler = false
    }

    private enum Head {
        case pending(Metadata)
        case sent(Metadata)

        var metadata: Metadata {
            switch self {
            case .pending(let metadata), .sent(let metadata): metadata
            }
        }

        var ifSent: Metadata? {
            if case .sent(let metadata) = self { metadata } else { nil }
        }
    }

    private struct Running {
        var requests: MessageQueue
        var hasHalfClosed = false
        var head = Head.pending(Metadata())
        var responses: MessageQueue
        var trailers = Metadata()
    }

    private struct Answered {
        let head: Metadata?
        var responses: MessageQueue
        let error: TransportError?
        let trailers: Metadata
    }

    private struct Over {
        let head: Metadata?
        let error: TransportError?
        let trailers: Metadata
    }

    private enum State {
        case running(Running)
        case answered(Answered)
        case over(Over)
    }

    private var state: State

    init(requests: MessageQueue, responses: MessageQueue) {
        state = .running(Running(requests: requests, responses: responses))
    }

    /// Whether the handler may go on.
    var isRunning: Bool {
        if case .running = state { true } else { false }
    }

    // MARK: The client's end

    mutating func clientSend(_ message: Bytes, _ effects: inout Effects) -> Step<Void> {
        switch state {
        case .running(var running):
            guard !running.hasHalfClosed else { return .failed(Self.sentAfterFinish) }
            guard !running.requests.isFull else { return .wait }
            running.requests.append(message)
            state = .running(running)
            effects.wake.append(.serverReceive)
            return .done(())
        case .answered(let answered): return .failed(answered.error ?? Self.sentAfterEnd)
        case .over(let over): return .failed(over.error ?? Self.sentAfterEnd)
        }
    }

    mutating func clientFinish(_ effects: inout Effects) -> Step<Void> {
        guard case .running(var running) = state else { return .done(()) }
        running.hasHalfClosed = true
        state = .running(running)
        effects.wake.append(.serverReceive)
        return .done(())
    }

    mutating func clientReceive(_ effects: inout Effects) -> Step<Bytes?> {
        switch state {
        case .running(var running):
            guard let message = running.responses.popFirst() else { return .wait }
            state = .running(running)
            effects.wake.append(.serverSend)
            return .done(message)
        case .answered(var answered):
            if let message = answered.responses.popFirst() {
                state = .answered(answered)
                return .done(message)
            }
            state = .over(Over(head: answered.head, error: answered.error, trailers: answered.trailers))
            return answered.error.map { .failed($0) } ?? .done(nil)
        case .over(let over):
            return over.error.map { .failed($0) } ?? .done(nil)
        }
    }

    func clientMetadata() -> Step<Metadata> {
        let (head, error): (Metadata?, TransportError?)
        switch state {
        case .running(let running):
            guard let metadata = running.head.ifSent else { return .wait }
            return .done(metadata)
        case .answered(let answered): (head, error) = (answered.head, answered.error)
        case .over(let over): (head, error) = (over.head, over.error)
        }
        if let head { return .done(head) }
        return error.map { .failed($0) } ?? .done(Metadata())
    }

    /// What came with the status; empty until the client has read up to it.
    var trailers: Metadata {
        if case .over(let over) = state { over.trailers } else { Metadata() }
    }

    // MARK: The server's end

    mutating func setInitialMetadata(_ metadata: Metadata) {
        guard case .running(var running) = state, case .pending = running.head else { return }
        running.head = .pending(metadata)
        state = .running(running)
    }

    mutating func sendInitialMetadata(_ effects: inout Effects) -> Step<Void> {
        guard case .running(var running) = state else { return .failed(Self.endedForHandler) }
        running.head = .sent(running.head.metadata)
        state = .running(running)
        effects.wake.append(.clientMetadata)
        return .done(())
    }

    mutating func setTrailers(_ metadata: Metadata) {
        guard case .running(var running) = state else { return }
        running.trailers = metadata
        state = .running(running)
    }

    mutating func serverReceive(_ effects: inout Effects) -> Step<Bytes?> {
        guard case .running(var running) = state else { return .failed(Self.endedForHandler) }
        guard let message = running.requests.popFirst() else {
            return running.hasHalfClosed ? .done(nil) : .wait
        }
        state = .running(running)
        effects.wake.append(.clientSend)
        return .done(message)
    }

    mutating func serverSend(_ message: Bytes, _ effects: inout Effects) -> Step<Void> {
        guard case .running(var running) = state else { return .failed(Self.endedForHandler) }
        guard !running.responses.isFull else { return .wait }
        running.responses.append(message)
        running.head = .sent(running.head.metadata)
        state = .running(running)
        effects.wake += [.clientReceive, .clientMetadata]
        return .done(())
    }

    /// The handler has ended: the client reads what was sent, then the status.
    mutating func answer(_ error: TransportError?, _ effects: inout Effects) {
        guard case .running(let running) = state else { return }
        var trailers = running.trailers
        if let error { trailers.add(contentsOf: error.metadata) }
        // An error before the first message is a trailers-only answer: there is no initial metadata.
        let head = error == nil ? running.head.metadata : running.head.ifSent
        let status = error.map {
            TransportError($0.code, $0.message, origin: .remote, endpoint: $0.endpoint, metadata: trailers)
        }
        state = .answered(Answered(head: head, responses: running.responses, error: status, trailers: trailers))
        effects.wake += [.clientSend, .clientReceive, .clientMetadata, .serverSend, .serverReceive]
        effects.hasLeft = true
    }

    /// Ends the call at once: cancelled, out of time, or cut off. What is in the buffers is lost.
    mutating func cut(_ error: TransportError, _ effects: inout Effects) {
        let head: Metadata?
        switch state {
        case .running(let running):
            head = running.head.ifSent
            effects.hasLeft = true
            effects.cancelsHandler = true
        case .answered(let answered): head = answered.head
        case .over: return
        }
        state = .over(Over(head: head, error: error, trailers: error.metadata))
        effects.wake += Slot.allCases
    }

    private static var sentAfterFinish: TransportError {
        TransportError(.failedPrecondition, "a message was sent after finishSending()")
    }

    private static var sentAfterEnd: TransportError {
        TransportError(.failedPrecondition, "a message was sent after the call had ended")
    }

    private static var endedForHandler: TransportError {
        TransportError(
            .cancelled, "the call has ended: cancelled, out of time, or its connection was lost", origin: .remote)
    }
}
