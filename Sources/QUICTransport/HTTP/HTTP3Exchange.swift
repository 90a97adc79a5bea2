internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import Synchronization

/// Keeps the exchanges of a connection. It is called on the connection's loop.
protocol HTTP3ExchangeOwner: AnyObject, Sendable {
    /// Both sides have said all they will.
    func exchangeEnded(_ id: Int64)
}

/// A plain request and its response on one stream, as one side has them: a message that comes and one that is sent.
///
/// ```
/// reading ──▶ read      the peer's message is complete, or not wanted any more
/// writing ──▶ written   this side's message is queued as a whole, or not wanted any more
/// ```
/// When both are over, or the exchange has failed, its connection forgets it; what has come can still be read.
///
/// Soundness of `@unchecked Sendable`: constants are immutable, the trailers are behind mutexes, and all else is used on
/// the connection's loop only.
final class HTTP3Exchange: @unchecked Sendable {
    let loop: EventLoop
    let endpoint: Endpoint
    private let isServer: Bool
    private let sendQueueBytes: Int
    private let receivedTrailers = Mutex<[HTTP3Request.Header]>([])
    private let outgoingTrailers = Mutex<[HTTP3Request.Header]>([])

    // Confined to the loop.
    private(set) var id: Int64 = -1
    private weak var wire: HTTP3Wire?
    private weak var owner: (any HTTP3ExchangeOwner)?
    private var incoming = IncomingBody()
    private var isRead = false
    private var isWritten = false
    /// How much content is still to be sent, where the `content-length` says it.
    private var contentLeft: Int?
    private var senders: [Waiter<Void>] = []
    /// Why the exchange is over before its end.
    private(set) var failure: TransportError?
    /// What runs for it on this side: a server's handler, or what writes a client's body. Cancelled when the exchange fails,
    /// or nobody wants the body any more.
    private var task: Task<Void, Never>?

    /// A client's: who waits for the response's head.
    private var headWaiter: Waiter<HTTP3ReceivedResponse>?
    private let deadline: Deadline?
    private let deadlineTimer = LoopTimer()

    /// A server's: how long the client may keep the handler waiting.
    private let patience: Duration?
    private let patienceTimer = LoopTimer()
    private var lastProgress: Progress?
    private var receivedBytes = 0
    /// The client waits to be told that its body is wanted (RFC 9110 §10.1.1).
    private var awaitsContinue = false
    /// The status that says what is wrong with the request's body.
    private(set) var refusal: Int?

    private struct Progress: Equatable {
        var receivedBytes: Int
        var unsentBytes: Int
    }

    /// - Parameters:
    ///   - endpoint: The peer.
    ///   - sendQueueBytes: How much unsent content makes a writer wait.
    ///   - patience: A server's.
    init(
        loop: EventLoop, endpoint: Endpoint, isServer: Bool, sendQueueBytes: Int, deadline: Deadline? = nil,
        patience: Duration? = nil
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.isServer = isServer
        self.sendQueueBytes = sendQueueBytes
        self.deadline = deadline
        self.patience = patience
    }

    var isOver: Bool { failure != nil || isRead && isWritten }

    /// The fields behind the peer's content.
    var trailers: [HTTP3Request.Header] { receivedTrailers.withLock { $0 } }

    func setOutgoingTrailers(_ trailers: [HTTP3Request.Header]) { outgoingTrailers.withLock { $0 = trailers } }

    // MARK: Beginning

    /// The exchange has its stream, and what this side sends first is queued.
    ///
    /// - Parameter isWritten: Whether that was all.
    func opened(_ id: Int64, _ wire: HTTP3Wire, _ owner: any HTTP3ExchangeOwner) {
        self.id = id
        self.wire = wire
        self.owner = owner
        guard let deadline else { return }
        loop.schedule(deadlineTimer, for: self, after: max(deadline.remaining(), .zero))
    }

    /// A server's: the client sends its content once it is told to.
    func setAwaitsContinue() { awaitsContinue = true }

    /// The head of this side's message is queued: what follows.
    func beginContent(length: Int?, isFinal: Bool) {
        contentLeft = length
        if isFinal { wrote() } else { drained() }
    }

    /// Returns when the stream is open, and the content can go out behind its head; false when it will never be.
    func mayWrite() async -> Bool {
        let isOpen: Void? = try? await waitOnLoop(letsGo: false) { waiter in
            if let failure = self.failure {
                waiter.resume(.failure(failure))
            } else if self.id >= 0 {
                waiter.resume(.success(()))
            } else {
                self.senders.append(waiter)
            }
        }
        return isOpen != nil
    }

    /// Keeps the task to cancel with the exchange.
    func adopt(_ task: Task<Void, Never>) {
        if failure != nil || isWritten { task.cancel() } else { self.task = task }
    }

    /// A client's response, when its head comes. `begin` runs on the loop first, and makes the request.
    func head(_ begin: @escaping @Sendable () -> Void) async throws -> HTTP3ReceivedResponse {
        try await waitOnLoop { waiter in
            self.headWaiter = waiter
            begin()
        }
    }

    // MARK: What arrives

    func received(head status: Int, _ headers: [HTTP3Request.Header], length: Int?) {
        let body = HTTP3BodyReader(self, length: length)
        // Whoever made the request may have stopped waiting: then the body is let go of here.
        headWaiter.take()?.resume(.success(HTTP3ReceivedResponse(status: status, headers: headers, body: body)))
    }

    func received(_ content: HTTP3Content, _ input: UnsafeRawBufferPointer) {
        guard !isRead, failure == nil, content.count > 0 else {
            wire?.consume(id, content.count)
            return
        }
        receivedBytes &+= content.count
        let consumed = unsafe content.withUnsafeBytes(of: input) { unsafe incoming.append($0) }
        wire?.consume(id, consumed)
        stopPatienceIfIdle()
    }

    func received(trailers: [HTTP3Request.Header]) { receivedTrailers.withLock { $0 = trailers } }

    /// The peer's message is complete.
    func receivedEnd() { finishReading(.success(())) }

    private func finishReading(_ result: Result<Void, TransportError>) {
        guard !isRead else { return }
        isRead = true
        incoming.finish(result)
        stopPatienceIfIdle()
        endIfDone()
    }

    /// The peer takes content again.
    func drained() {
        for sender in exchange(&senders, with: []) { sender.resume(.success(())) }
        stopPatienceIfIdle()
    }

    /// The peer wants no more of this side's message, which is no failure of the exchange (RFC 9114 §4.1).
    func stoppedByPeer() {
        guard !isWritten, failure == nil else { return }
        let task = task.take()
        wrote()
        task?.cancel()
    }

    /// Ends the exchange; the wire knows, or there is none any more.
    func fail(_ error: TransportError) {
        guard !isOver else { return }
        let error = error.at(endpoint)
        failure = error
        loop.cancel(deadlineTimer)
        loop.cancel(patienceTimer)
        task.take()?.cancel()
        headWaiter.take()?.resume(.failure(error))
        incoming.finish(.failure(error))
        for sender in exchange(&senders, with: []) { sender.resume(.failure(error)) }
        owner?.exchangeEnded(id)
    }

    /// Ends the exchange from this side: the stream is given up in both directions.
    func abort(_ error: TransportError, _ code: HTTP3ErrorCode) {
        guard !isOver else { return }
        wire?.reset(id, code)
        incoming.drop()
        fail(error)
    }

    private func wrote() {
        guard !isWritten else { return }
        isWritten = true
        for sender in exchange(&senders, with: []) { sender.resume(.failure(notWanted)) }
        stopPatienceIfIdle()
        if isServer, !isRead { stopReading() }
        endIfDone()
    }

    private func endIfDone() {
        guard isRead, isWritten, failure == nil else { return }
        loop.cancel(deadlineTimer)
        loop.cancel(patienceTimer)
        task = nil
        owner?.exchangeEnded(id)
    }

    private var notWanted: TransportError {
        TransportError(.cancelled, "the peer wants no more of the body", origin: .remote, endpoint: endpoint)
    }

    // MARK: Reading

    func nextPiece() async throws -> Bytes? {
        try await waitOnLoop { waiter in
            self.consume(self.incoming.read(waiter))
            self.startPatience()
        }
    }

    func collect(upTo limitBytes: Int, declared: Int?) async throws -> Bytes {
        do {
            return try await waitOnLoop { waiter in
                if let declared, declared > limitBytes {
                    return waiter.resume(.failure(IncomingBody.tooLarge(limitBytes)))
                }
                self.consume(self.incoming.collect(waiter, upTo: limitBytes))
                self.startPatience()
            }
        } catch let error as TransportError where error.code == .resourceExhausted && error.origin == .library {
            loop.execute { self.refuse(413) }
            throw error
        }
    }

    /// A server's request cannot be served, and this is why; a client gives up.
    private func refuse(_ status: Int) {
        if isServer { refusal = refusal ?? status } else { letGo() }
    }

    private func consume(_ byteCount: Int) {
        wire?.consume(id, byteCount)
        guard awaitsContinue, !isRead else { return }
        awaitsContinue = false
        try? wire?.http3.submitInformational(
            stream: id, prepared: [], extra: [HeaderPair(name: ":status", value: "100")])
        wire?.sourceHasData()
    }

    /// Nobody reads any further.
    func letGo() {
        loop.execute {
            guard !self.isOver else { return }
            guard self.isServer else {
                return self.abort(TransportError(.cancelled, "the request was cancelled"), .requestCancelled)
            }
            guard !self.isRead else { return }
            self.stopReading()
        }
    }

    /// The rest of the request is not wanted (RFC 9114 §4.1).
    private func stopReading() {
        if let wire, !wire.http3.isReadComplete(id) { wire.stopReading(id, .noError) }
        incoming.drop()
        finishReading(.failure(TransportError(.cancelled, "the rest of the body is not wanted")))
    }

    // MARK: Writing

    func write(_ piece: Bytes) async throws {
        let isOnLoop = loop.isCurrent
        if isOnLoop, let result = send(piece) { return try result.get() }
        try await waitOnLoop(letsGo: false) { (waiter: Waiter<Void>) in
            if let result = isOnLoop ? self.room : self.send(piece) {
                waiter.resume(result)
            } else {
                self.senders.append(waiter)
                self.startPatience()
            }
        }
    }

    /// Sends a piece; `nil` when the writer has to wait for room.
    func send(_ piece: Bytes) -> Result<Void, TransportError>? {
        if let failure { return .failure(failure) }
        guard !isWritten, let wire else { return .failure(notWanted) }
        if let left = contentLeft {
            guard piece.count <= left else { return .failure(abortForLength("more")) }
            contentLeft = left - piece.count
        }
        guard !piece.isEmpty else { return room }
        do throws(HTTP3SendError) {
            try wire.http3.submitBody(stream: id, payload: piece, isFinal: false)
        } catch {
            return .failure(
                error == .queueFull
                    ? TransportError(.resourceExhausted, "the stream's queue is full", endpoint: endpoint) : notWanted)
        }
        wire.sourceHasData()
        return room
    }

    private func abortForLength(_ what: String) -> TransportError {
        let error = TransportError(
            .invalidArgument, "the body has \(what) than its content-length says", endpoint: endpoint)
        abort(error, isServer ? .internalError : .requestCancelled)
        return error
    }

    private var room: Result<Void, TransportError>? {
        if let failure { return .failure(failure) }
        guard !isWritten, let wire else { return .failure(notWanted) }
        return wire.http3.queuedBytes(id) < sendQueueBytes ? .success(()) : nil
    }

    /// The content is complete: sends the end, or trailers.
    func finishWriting() {
        guard !isOver, !isWritten, let wire else { return }
        if let contentLeft, contentLeft > 0 {
            _ = abortForLength("less")
            return
        }
        let trailers = outgoingTrailers.withLock { $0 }
        do {
            if trailers.isEmpty {
                try wire.http3.endStream(id)
            } else {
                try wire.http3.submitTrailers(stream: id, prepared: [], extra: MessageFields.pairs(trailers))
            }
            wire.sourceHasData()
            wrote()
        } catch {
            abort(
                TransportError(.invalidArgument, "the trailers cannot be sent: \(error)"),
                isServer ? .internalError : .requestCancelled)
        }
    }

    /// Has `body` written, and ends the message behind it; what `body` throws ends the exchange.
    func write(_ body: HTTP3Body) async {
        do {
            switch body.content {
            case .bytes(let bytes): try await HTTP3BodyWriter(exchange: self).write(bytes)
            case .written(let write): try await write(HTTP3BodyWriter(exchange: self))
            }
            loop.execute { self.finishWriting() }
        } catch {
            loop.execute { self.bodyFailed(error) }
        }
    }

    private func bodyFailed(_ error: any Error) {
        guard !isWritten else { return }
        abort(
            TransportError(.cancelled, "the body could not be written", cause: error),
            isServer && !(error is CancellationError) ? .internalError : .requestCancelled)
    }

    // MARK: Waiting

    /// Suspends the task, and lets `begin` take the waiter on the loop.
    ///
    /// - Parameter letsGo: Whether cancelling a client's task gives its request up; what a writer throws decides by itself.
    private func waitOnLoop<Value: Sendable>(
        letsGo: Bool = true, _ begin: @escaping @Sendable (Waiter<Value>) -> Void
    ) async throws -> Value {
        let waiter = Waiter<Value>()
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                loop.execute {
                    waiter.wait(continuation)
                    if waiter.isWaiting { begin(waiter) }
                }
            }
        } onCancel: {
            loop.execute {
                waiter.cancel()
                if letsGo, !self.isServer { self.letGo() }
            }
        }
    }

    private var isWaiting: Bool { incoming.isAwaited || senders.contains { $0.isWaiting } }

    /// Watches over a wait that only the client can end.
    private func startPatience() {
        guard let patience, lastProgress == nil, !isOver, isWaiting else { return }
        lastProgress = progress
        loop.schedule(patienceTimer, for: self, after: patience)
    }

    private func stopPatienceIfIdle() {
        guard lastProgress != nil, !isWaiting else { return }
        lastProgress = nil
        loop.cancel(patienceTimer)
    }

    private var progress: Progress {
        Progress(receivedBytes: receivedBytes, unsentBytes: wire?.http3.queuedBytes(id) ?? 0)
    }
}

extension HTTP3Exchange: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        if timer === deadlineTimer {
            return abort(
                TransportError(.deadlineExceeded, "the deadline passed before the request had ended"), .requestCancelled
            )
        }
        let before = lastProgress
        lastProgress = nil
        guard !isOver, isWaiting else { return }
        guard before == progress else { return startPatience() }
        let error = TransportError(.deadlineExceeded, "the client has kept the handler waiting too long")
        guard incoming.isAwaited else { return abort(error, .requestCancelled) }
        // There may still be an answer.
        refusal = refusal ?? 408
        if let wire, !wire.http3.isReadComplete(id) { wire.stopReading(id, .noError) }
        incoming.drop()
        finishReading(.failure(error))
    }
}
