package import EventLoops
internal import GRPCSemantics
package import NodeTransport
internal import Synchronization

/// What a wire does for the calls of one client's connection. It is called on the connection's loop.
package protocol ClientCallWire: AnyObject, Sendable {
    /// Sends one message.
    func write(_ message: Bytes, to handle: CallHandle)
    /// Ends this side of the stream behind what was sent.
    func endStream(_ handle: CallHandle)
    /// Gives the stream up: the call was cancelled, or the server has answered without reading the rest.
    func resetStream(_ handle: CallHandle, isCancelled: Bool)
    /// How much of the stream waits to be sent.
    func unsentBytes(_ handle: CallHandle) -> Int
    /// Gives the server credit for bytes that were read.
    func consume(_ handle: CallHandle, byteCount: Int)
    /// Forgets a call that waits for a stream.
    func dequeue(_ call: ClientCallState)
}

/// What the calls of one client's connection share.
package final class ClientCallContext: Sendable {
    let wire: any ClientCallWire
    let loop: EventLoop
    let endpoint: Endpoint
    let limits: CallLimits

    package init(wire: any ClientCallWire, loop: EventLoop, endpoint: Endpoint, limits: CallLimits) {
        self.wire = wire
        self.loop = loop
        self.endpoint = endpoint
        self.limits = limits
    }
}

/// One call that a client makes, from the moment it begins until its caller has read its end.
///
/// Soundness of `@unchecked Sendable`: the constants are immutable, `finalTrailers` is behind a mutex, and
/// all else is used on the connection's event loop only.
package final class ClientCallState: @unchecked Sendable {
    /// ```
    /// queued ──▶ open ──▶ ended
    ///    └──────────────────▲
    /// ```
    package enum Phase {
        /// The server allows no further call at the moment; what was sent waits here.
        case queued
        case open
        /// Success, or the call's error.
        case ended(Result<Void, TransportError>)
    }

    package let head: CallHead
    private let context: ClientCallContext
    private let finalTrailers = Mutex(Metadata())

    // Confined to the loop.
    private var state = Phase.queued
    private var stream = CallHandle.none
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var outbox: [Bytes] = []
    /// What was sent in early data (0-RTT), as long as the server may not take it.
    private var sentEarly: [Bytes]?
    private var hasFinished = false
    /// The server has sent trailers: there is something in `finalTrailers`.
    private var hasTrailers = false
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var assembler: MessageAssembler
    @safe @exclusivity(unchecked) private var inbox = MessageQueue()
    /// Bytes for which the server has not had its credit back.
    private var withheldBytes = 0
    private var initialMetadata: Metadata?
    /// A unary call's task; such a call has none of the waiters below.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var unary: Suspension<UnaryReply>?
    @safe @exclusivity(unchecked) var receiver: Waiter<Bytes?>?
    var headWaiter: Waiter<Metadata>?
    var sender: Waiter<Void>?
    private var timer: LoopTimer?
    /// A header section with a status that may turn out to be all there is.
    private var lonelyHead: ResponseHead?

    package init(head: CallHead, context: ClientCallContext) {
        self.head = head
        self.context = context
        assembler = MessageAssembler(limit: context.limits.maximumReceiveMessageBytes)
    }

    var loop: EventLoop { context.loop }
    private var wire: any ClientCallWire { context.wire }
    private var limits: CallLimits { context.limits }
    private var endpoint: Endpoint { context.endpoint }

    // Stored as the module's own: so the compiler sees every use of them, and need not check each at run time.
    package var phase: Phase { state }
    package var handle: CallHandle { stream }
    /// The caller sends nothing more.
    package var isFinished: Bool { hasFinished }

    package var trailers: Metadata { finalTrailers.withLock { $0 } }

    package var isEnded: Bool {
        if case .ended = state { true } else { false }
    }

    // MARK: Beginning

    /// Notes who waits for a unary call's reply; false when the call was cancelled before, and the waiter has been told.
    package func beginUnary(_ continuation: Suspension<UnaryReply>) -> Bool {
        if case .ended(let result) = state {
            if case .failure(let error) = result { continuation.resume(throwing: error) }
            return false
        }
        unary = continuation
        return true
    }

    /// Starts the deadline's time; false when it has passed, and the call has ended.
    package func startDeadline() -> Bool {
        guard let deadline = head.deadline else { return true }
        let remaining = deadline.remaining(now: loop.instant)
        guard remaining > .zero else {
            end(
                .failure(
                    TransportError(
                        .deadlineExceeded, "the deadline had passed before the call began", processing: .notProcessed,
                        endpoint: endpoint)))
            return false
        }
        let timer = LoopTimer()
        self.timer = timer
        loop.schedule(timer, for: self, after: remaining)
        return true
    }

    /// What `grpc-timeout` says.
    package var timeoutField: String? {
        head.deadline.map { Timeout.encode(nanoseconds: $0.remaining(now: loop.instant).clampedNanoseconds) }
    }

    /// The call has its stream: what the caller has sent meanwhile goes out.
    ///
    /// - Parameter isEarly: The server may throw everything away; ``settleEarly()`` or ``requeue()`` follows.
    package func opened(_ handle: CallHandle, isEarly: Bool = false) {
        guard case .queued = state else { return }
        state = .open
        stream = handle
        let messages = exchange(&outbox, with: [])
        if isEarly { sentEarly = messages }
        for message in messages { wire.write(message, to: stream) }
        if hasFinished { wire.endStream(stream) }
        if sender != nil, let result = room { sender.take()?.resume(result) }
    }

    /// The server has taken what was sent early.
    package func settleEarly() { sentEarly = nil }

    /// The server has thrown away what was sent early, and the stream with it: the call waits for another.
    package func requeue() {
        guard case .open = state, let sent = sentEarly.take() else { return }
        state = .queued
        stream = .none
        outbox = sent
    }

    // MARK: What the caller does

    /// Sends a message; `nil` when the caller has to wait for room.
    package func send(_ message: Bytes) -> Result<Void, TransportError>? {
        if case .ended(let result) = state {
            if case .failure(let error) = result { return .failure(error) }
            return .failure(TransportError(.failedPrecondition, "the call has ended", endpoint: endpoint))
        }
        guard !hasFinished else {
            return .failure(TransportError(.failedPrecondition, "sending was finished before", endpoint: endpoint))
        }
        if let refusal = limits.refusal(of: message, endpoint) { return .failure(refusal) }
        if case .open = state {
            sentEarly?.append(message)
            wire.write(message, to: stream)
        } else {
            outbox.append(message)
        }
        return room
    }

    /// Whether the call takes another message; `nil` when the caller has to wait.
    var room: Result<Void, TransportError>? {
        switch state {
        case .queued: unary != nil ? .success(()) : nil
        case .open: wire.unsentBytes(stream) < limits.sendQueueBytes ? .success(()) : nil
        case .ended(.failure(let error)): .failure(error)
        case .ended(.success): .success(())
        }
    }

    package func finishSending() {
        guard !hasFinished else { return }
        hasFinished = true
        if case .open = state { wire.endStream(stream) }
    }

    /// What the server sent first, or why nothing comes; `nil` when the caller has to wait.
    var metadata: Result<Metadata, TransportError>? {
        if let initialMetadata { return .success(initialMetadata) }
        switch state {
        case .ended(.failure(let error)): return .failure(error)
        case .ended(.success): return .success(Metadata())
        case .queued, .open: return nil
        }
    }

    /// The next message, or why there is none; `nil` when the caller has to wait.
    func takeMessage() -> Result<Bytes?, TransportError>? {
        if let message = inbox.popFirst() {
            if inbox.isEmpty { returnCredit() }
            return .success(message)
        }
        guard case .ended(let result) = state else { return nil }
        return result.map { nil }
    }

    /// Cancels the call for its caller.
    package func cancel() { cancel(TransportError(.cancelled, "the call was cancelled", endpoint: endpoint)) }

    /// Ends the call from this side: the server is told, and what had arrived is dropped.
    package func cancel(_ error: TransportError) {
        switch state {
        case .ended: return
        case .open: wire.resetStream(stream, isCancelled: true)
        case .queued: wire.dequeue(self)
        }
        inbox.removeAll()
        end(.failure(error))
    }

    private func returnCredit() {
        guard withheldBytes > 0, case .open = state else { return }
        wire.consume(stream, byteCount: withheldBytes)
        withheldBytes = 0
    }

    // MARK: What arrives

    package func received(_ head: ResponseHead, isEnd: Bool) {
        guard case .open = state else { return }
        if let failure = head.failure(isEnd: isEnd) { return cancel(failure.at(endpoint)) }
        guard !isEnd else { return received(trailers: head) }
        if head.status != nil { lonelyHead = head }
        let metadata = head.metadata
        initialMetadata = metadata
        headWaiter.take()?.resume(.success(metadata))
    }

    package func received(trailers: ResponseHead) {
        guard case .open = state else { return }
        // A server may answer before it has read everything; the rest of the request is not wanted then.
        if !hasFinished { wire.resetStream(stream, isCancelled: false) }
        let metadata = trailers.metadata
        if !metadata.isEmpty {
            finalTrailers.withLock { $0 = metadata }
            hasTrailers = true
        }
        if assembler.isMidMessage {
            return fail(TransportError(.internal, "the response ended within a message", origin: .remote))
        }
        end(trailers.outcome(metadata, endpoint))
    }

    /// Lends room for content that comes next, where it belongs; `body` returns how many bytes it has filled, and
    /// ``received(_:flowBytes:isEnd:)`` without a chunk tells of them.
    package func lendRoom(upTo byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        guard !isEnded else { return }
        unsafe assembler.lendRoom(upTo: byteCount, body)
    }

    /// Takes content; `flowBytes` of it count for flow control until they were read.
    package func received(_ chunk: UnsafeRawBufferPointer, flowBytes: Int, isEnd: Bool) {
        withheldBytes += flowBytes
        do throws(MessageAssembler.Fault) {
            var rest = unsafe chunk
            while let message = try unsafe assembler.next(&rest) {
                guard deliver(message) else { return }
            }
        } catch {
            return cancel(error.error.at(endpoint))
        }
        if inbox.isEmpty || unary != nil { returnCredit() }
        if isEnd { endedWithoutStatus() }
    }

    /// False when the message is one too many and the call has ended.
    private func deliver(_ message: Bytes) -> Bool {
        if unary != nil, !inbox.isEmpty {
            cancel(TransportError(.internal, "the server sent a second response", origin: .remote, endpoint: endpoint))
            return false
        }
        if let receiver = receiver.take(), receiver.isWaiting {
            receiver.resume(.success(message))
        } else {
            inbox.append(message)
        }
        return true
    }

    /// The stream takes messages again.
    package func drained() { sender.take()?.resume(.success(())) }

    /// The response is complete; without trailers the header section was all of it, if it has a status.
    package func remoteEnded() {
        if let head = lonelyHead.take() { received(trailers: head) } else { endedWithoutStatus() }
    }

    /// The server's side of the stream is over.
    package func endedWithoutStatus() {
        fail(TransportError(.internal, "the server ended the call without a status", origin: .remote))
    }

    /// The server refused the stream before it looked at it.
    package func unprocessed() {
        fail(
            TransportError(
                .unavailable, "the server did not process the call", origin: .remote, processing: .notProcessed))
    }

    // MARK: The end

    package func fail(_ error: TransportError) { end(.failure(error.at(endpoint))) }

    /// Ends the call for its caller; the wire is not told.
    private func end(_ result: Result<Void, TransportError>) {
        guard !isEnded else { return }
        state = .ended(result)
        outbox = []
        sentEarly = nil
        timer.map(loop.cancel)
        if let unary = unary.take() { finishUnary(unary, result) }
        headWaiter.take()?.resume(result.map { initialMetadata ?? Metadata() })
        sender.take()?.resume(result)
        if inbox.isEmpty { receiver.take()?.resume(result.map { nil }) }
    }

    private func finishUnary(_ continuation: Suspension<UnaryReply>, _ result: Result<Void, TransportError>) {
        if case .failure(let error) = result { return continuation.resume(throwing: error) }
        guard let message = inbox.popFirst() else {
            return continuation.resume(
                throwing: TransportError(
                    .internal, "the server ended the call without a response", origin: .remote, endpoint: endpoint))
        }
        continuation.resume(
            returning: UnaryReply(
                message: message, initialMetadata: initialMetadata ?? Metadata(),
                trailers: hasTrailers ? trailers : Metadata()))
    }
}

extension ClientCallState: LoopTimerHandler {
    package func timerFired(_ timer: LoopTimer) {
        cancel(
            TransportError(.deadlineExceeded, "the deadline passed before the call had ended", endpoint: endpoint))
    }
}
