package import EventLoops
internal import GRPCSemantics
package import NodeTransport
internal import Synchronization

/// What a wire does for the calls of one server's connection. It is called on the connection's loop, but for the
/// properties.
package protocol ServerCallWire: AnyObject, Sendable {
    /// Who the peer has proved to be.
    var peer: PeerIdentity? { get }
    var remoteEndpoint: Endpoint { get }

    /// Sends the response's header section with `initial` in it.
    func sendHead(_ handle: CallHandle, initial: Metadata)
    func write(_ message: Bytes, to handle: CallHandle)
    /// Ends the response with the status OK.
    func sendTrailers(_ handle: CallHandle, trailers: Metadata)
    /// Ends the response with another status; without a header section when none was sent.
    func sendStatus(
        _ handle: CallHandle, _ status: TransportError, trailers: Metadata, isHeadSent: Bool, initial: Metadata)
    /// How much of the stream waits to be sent.
    func unsentBytes(_ handle: CallHandle) -> Int
    /// Gives the client credit for bytes that were read.
    func consume(_ handle: CallHandle, byteCount: Int)
}

/// What the calls of one server's connection share.
package final class ServerCallContext: Sendable {
    let wire: any ServerCallWire
    let loop: EventLoop
    let limits: CallLimits

    package init(wire: any ServerCallWire, loop: EventLoop, limits: CallLimits) {
        self.wire = wire
        self.loop = loop
        self.limits = limits
    }
}

/// One call that a server serves: what the connection knows about it, and what its handler holds.
///
/// Soundness of `@unchecked Sendable`: the constants are immutable, `metadata` is behind a mutex, and all
/// else is used on the connection's event loop only, where each operation first takes itself.
package final class ServerCallState: ServerCall, @unchecked Sendable {
    /// What the handler wants to send beside its messages.
    struct OutgoingMetadata {
        var initial = Metadata()
        var trailers = Metadata()
    }

    /// Whether the handler may run.
    private enum Hold {
        case none
        case waiting
        /// It would have begun, with this request.
        case due(Bytes?)
    }

    package let handle: CallHandle
    package let head: CallHead
    let handler: MethodHandler
    private let isUnary: Bool
    private let context: ServerCallContext
    private let metadata = Mutex(OutgoingMetadata())
    /// The handler has set some; most have none, and no lock is taken for those.
    private let hasMetadata = Atomic(false)

    // Confined to the loop.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var assembler: MessageAssembler
    @safe @exclusivity(unchecked) private var inbox = MessageQueue()
    /// Bytes for which the peer has not had its credit back.
    private var withheldBytes = 0
    /// The client has half-closed.
    private var isRemotelyClosed = false
    private var isHeadSent = false
    /// Why the call is over; the handler may still run.
    private var ending: Result<Void, TransportError>?
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var receiver: Waiter<Bytes?>?
    private var sender: Waiter<Void>?
    private var task: Task<Void, Never>?
    private var hold = Hold.none
    private var timer: LoopTimer?

    /// - Parameter timeout: What the client gave the call, in nanoseconds.
    package init(
        handle: CallHandle, handler: MethodHandler, metadata: Metadata, timeout: Int64?, context: ServerCallContext
    ) {
        self.handle = handle
        self.handler = handler
        if case .unary = handler.body { isUnary = true } else { isUnary = false }
        self.context = context
        let deadline = timeout.map { Deadline(context.loop.instant.advanced(by: .nanoseconds($0))) }
        head = CallHead(method: handler.name, shape: handler.shape, metadata: metadata, deadline: deadline)
        assembler = MessageAssembler(limit: context.limits.maximumReceiveMessageBytes)
    }

    private var loop: EventLoop { context.loop }
    private var wire: any ServerCallWire { context.wire }
    private var limits: CallLimits { context.limits }

    package var peer: PeerIdentity? { wire.peer }
    package var remoteEndpoint: Endpoint { wire.remoteEndpoint }

    package func setInitialMetadata(_ metadata: Metadata) { set { $0.initial = metadata } }
    package func setTrailers(_ metadata: Metadata) { set { $0.trailers = metadata } }

    private func set(_ change: (inout OutgoingMetadata) -> Void) {
        metadata.withLock { change(&$0) }
        hasMetadata.store(true, ordering: .releasing)
    }

    /// What the handler has set so far.
    private var outgoing: OutgoingMetadata {
        hasMetadata.load(ordering: .acquiring) ? metadata.withLock { $0 } : OutgoingMetadata()
    }

    package var isOver: Bool { ending != nil }

    package var isIdempotent: Bool { handler.isIdempotent }

    /// The client has sent all that it will.
    package var isRequestComplete: Bool { isRemotelyClosed }

    // MARK: What the handler does

    package func sendInitialMetadata() async throws {
        try await waitOnLoop { (waiter: Waiter<Void>) in waiter.resume(self.sendInitialMetadataNow()) }
    }

    package func receive() async throws -> Bytes? {
        if loop.isCurrent, let result = takeMessage() { return try result.get() }
        return try await waitOnLoop { waiter in
            if let result = self.takeMessage() { waiter.resume(result) } else { self.receiver = waiter }
        }
    }

    package func send(_ message: Bytes) async throws {
        let isOnLoop = loop.isCurrent
        if isOnLoop, let result = sendNow(message) { return try result.get() }
        try await waitOnLoop { (waiter: Waiter<Void>) in
            if let result = isOnLoop ? self.room : self.sendNow(message) {
                waiter.resume(result)
            } else {
                self.sender = waiter
            }
        }
    }

    /// Suspends the task, and lets `begin` take the waiter on the loop.
    private func waitOnLoop<Value: Sendable>(
        _ begin: @escaping @Sendable (Waiter<Value>) -> Void
    ) async throws -> Value {
        let waiter = Waiter<Value>()
        let loop = loop
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                loop.execute {
                    waiter.wait(continuation)
                    if waiter.isWaiting { begin(waiter) }
                }
            }
        } onCancel: {
            loop.execute { waiter.cancel() }
        }
    }

    /// The next message, or why there is none; `nil` when the handler has to wait.
    private func takeMessage() -> Result<Bytes?, TransportError>? {
        if let message = inbox.popFirst() {
            if inbox.isEmpty { returnCredit() }
            return .success(message)
        }
        if case .failure(let error) = ending { return .failure(error) }
        return isRemotelyClosed || ending != nil ? .success(nil) : nil
    }

    /// Sends a message; `nil` when the handler has to wait for room.
    private func sendNow(_ message: Bytes) -> Result<Void, TransportError>? {
        if let error = refusal(of: message) { return .failure(error) }
        sendHead()
        wire.write(message, to: handle)
        return room
    }

    private func refusal(of message: Bytes) -> TransportError? {
        switch ending {
        case .failure(let error): error
        case .success: TransportError(.failedPrecondition, "the call has ended")
        case nil: limits.refusal(of: message)
        }
    }

    /// Whether the stream takes another message; `nil` when the handler has to wait.
    private var room: Result<Void, TransportError>? {
        if case .failure(let error) = ending { return .failure(error) }
        return wire.unsentBytes(handle) < limits.sendQueueBytes ? .success(()) : nil
    }

    /// Sends the header section without waiting for a message.
    private func sendInitialMetadataNow() -> Result<Void, TransportError> {
        if case .failure(let error) = ending { return .failure(error) }
        if ending == nil { sendHead() }
        return .success(())
    }

    private func sendHead() {
        guard !isHeadSent else { return }
        isHeadSent = true
        wire.sendHead(handle, initial: outgoing.initial)
    }

    /// Ends the call with its handler's outcome: a response, nothing (for streams), or an error.
    package func finish(with outcome: Result<Bytes?, TransportError>) {
        guard ending == nil else { return }
        var outcome = outcome
        if case .success(let response?) = outcome {
            if let error = refusal(of: response) {
                outcome = .failure(error)
            } else {
                sendHead()
                wire.write(response, to: handle)
            }
        }
        let (isHeadSent, outgoing) = (isHeadSent, outgoing)
        switch outcome {
        case .success:
            sendHead()
            end(.success(()))
            wire.sendTrailers(handle, trailers: outgoing.trailers)
        case .failure(let error):
            self.isHeadSent = true
            end(.failure(error))
            wire.sendStatus(
                handle, error, trailers: outgoing.trailers, isHeadSent: isHeadSent, initial: outgoing.initial)
        }
    }

    /// Notes that the call is over for the wire; wakes and cancels what is left of its handler.
    package func end(_ ending: Result<Void, TransportError>) {
        guard self.ending == nil else { return }
        self.ending = ending
        timer.map(loop.cancel)
        inbox.removeAll()
        let task = task.take()
        if case .failure(let error) = ending {
            receiver.take()?.resume(.failure(error))
            sender.take()?.resume(.failure(error))
            task?.cancel()
        }
    }

    // MARK: What arrives

    /// Keeps the handler from running until ``releaseHandler()``, as the request may be an attacker's copy (RFC 8470 §3).
    package func holdHandler() { hold = .waiting }

    package func releaseHandler() {
        let before = hold
        hold = .none
        if case .due(let request) = before, ending == nil { startHandler(request) }
    }

    /// Starts the deadline's time and the handler of a call that may begin before its first message.
    package func begin(timeout: Int64?, isEnd: Bool) {
        if let timeout {
            guard timeout > 0 else {
                return finish(
                    with: .failure(TransportError(.deadlineExceeded, "the deadline had passed before the call began")))
            }
            let timer = LoopTimer()
            self.timer = timer
            loop.schedule(timer, for: self, after: .nanoseconds(timeout))
        }
        if !isUnary { startHandler(nil) }
        if isEnd { remoteEnded() }
    }

    /// Lends room for content that comes next, where it belongs; `body` returns how many bytes it has filled, and
    /// ``received(_:flowBytes:isEnd:)`` without a chunk tells of them.
    package func lendRoom(upTo byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        guard ending == nil else { return }
        unsafe assembler.lendRoom(upTo: byteCount, body)
    }

    /// Takes content; `flowBytes` of it count for flow control until they were read.
    package func received(_ chunk: UnsafeRawBufferPointer, flowBytes: Int, isEnd: Bool) {
        guard ending == nil else { return wire.consume(handle, byteCount: flowBytes) }
        withheldBytes += flowBytes
        do throws(MessageAssembler.Fault) {
            var rest = unsafe chunk
            while let message = try unsafe assembler.next(&rest) { deliver(message) }
        } catch {
            return finish(with: .failure(error.error))
        }
        if inbox.isEmpty || isUnary { returnCredit() }
        if isEnd { remoteEnded() }
    }

    private func deliver(_ message: Bytes) {
        if let receiver = receiver.take(), receiver.isWaiting {
            receiver.resume(.success(message))
        } else if isUnary, !inbox.isEmpty {
            finish(with: .failure(TransportError(.unimplemented, "\(head.method) takes one request, more were sent")))
        } else {
            inbox.append(message)
        }
    }

    private func returnCredit() {
        guard withheldBytes > 0 else { return }
        wire.consume(handle, byteCount: withheldBytes)
        withheldBytes = 0
    }

    /// The stream takes messages again.
    package func drained() { sender.take()?.resume(.success(())) }

    /// The client has half-closed.
    package func remoteEnded() {
        guard !isRemotelyClosed, ending == nil else { return }
        isRemotelyClosed = true
        if assembler.isMidMessage {
            return finish(
                with: .failure(TransportError(.internal, "the request ended within a message", origin: .remote)))
        }
        guard isUnary else {
            receiver.take()?.resume(.success(nil))
            return
        }
        guard let request = inbox.popFirst() else {
            return finish(
                with: .failure(TransportError(.unimplemented, "\(head.method) takes one request, none was sent")))
        }
        startHandler(request)
    }
}

extension ServerCallState: LoopTimerHandler {
    package func timerFired(_ timer: LoopTimer) {
        finish(
            with: .failure(TransportError(.deadlineExceeded, "the deadline passed before the handler had finished")))
    }
}

// MARK: The handler's task

extension ServerCallState {
    /// Starts the handler; a unary handler gets `request`. Its task is kept for as long as it may have to be cancelled.
    private func startHandler(_ request: Bytes?) {
        guard case .none = hold else {
            hold = .due(request)
            return
        }
        let task =
            switch handler.execution {
            // A call without a deadline needs less memory for its task than one with.
            case .eventLoop where head.deadline == nil:
                Task.immediate(executorPreference: loop.taskExecutor) { await self.serve(request) }
            case .eventLoop:
                Task.immediate(executorPreference: loop.taskExecutor) { await self.runHandler(request) }
            case .concurrent:
                Task.detached(executorPreference: loop.concurrentExecutor) { await self.runHandler(request) }
            }
        if ending == nil { self.task = task }
    }

    private func runHandler(_ request: Bytes?) async {
        guard let deadline = head.deadline else { return await serve(request) }
        await Deadline.$current.withValue(deadline) { await serve(request) }
    }

    private func serve(_ request: Bytes?) async {
        do {
            switch handler.body {
            case .unary(let body):
                let response = try await body(request ?? Bytes(), ServerContext(self))
                finishOnLoop(.success(response))
            case .stream(let body):
                try await body(ServerContext(self))
                finishOnLoop(.success(nil))
            }
        } catch {
            let status = StatusMapping.status(of: error)
            finishOnLoop(.failure(status))
        }
    }

    private func finishOnLoop(_ outcome: Result<Bytes?, TransportError>) {
        // No closure has to be made where the handler ends on the loop.
        if loop.isCurrent { finish(with: outcome) } else { loop.execute { self.finish(with: outcome) } }
    }
}
