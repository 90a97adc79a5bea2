internal import EventLoops
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization

/// One call that a client makes: what the connection knows about it.
///
/// Soundness of `@unchecked Sendable`: the constants are immutable, `finalTrailers` is behind a mutex, and
/// all else is used on the connection's event loop only.
final class ClientStream: @unchecked Sendable {
    /// ```
    /// queued ──▶ open ──▶ ended
    ///    └──────────────────▲
    /// ```
    enum Phase {
        /// The server allows no further call at the moment; what was sent waits here.
        case queued
        case open(StreamHandle)
        /// Success, or the call's error.
        case ended(Result<Void, TransportError>)
    }

    let connection: ClientConnection
    let head: CallHead
    private let finalTrailers = Mutex(Metadata())

    // Confined to the loop.
    var phase = Phase.queued
    var outbox: [Bytes] = []
    var isFinished = false
    var assembler: MessageAssembler
    var inbox = MessageQueue()
    var withheldBytes = 0
    var initialMetadata: Metadata?
    /// A unary call's task; such a call has none of the waiters below.
    var unary: Suspension<UnaryReply>?
    var receiver: Waiter<Bytes?>?
    var headWaiter: Waiter<Metadata>?
    var sender: Waiter<Void>?
    var timer: LoopTimer?

    init(connection: ClientConnection, head: CallHead, messageLimit: Int) {
        self.connection = connection
        self.head = head
        assembler = MessageAssembler(limit: messageLimit)
    }

    var trailers: Metadata {
        get { finalTrailers.withLock { $0 } }
        set { finalTrailers.withLock { $0 = newValue } }
    }

    var isEnded: Bool {
        if case .ended = phase { true } else { false }
    }
}

extension ClientStream: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) { connection.onLoop { $0.deadlinePassed(self) } }
}

/// What a caller holds of a streaming call; letting go of it cancels the call.
final class GRPCClientCall: ClientCall {
    private let stream: ClientStream

    init(_ stream: ClientStream) { self.stream = stream }

    deinit { cancel() }

    var trailers: Metadata { stream.trailers }

    func send(_ message: Bytes) async throws {
        let (connection, stream) = (stream.connection, stream)
        let isOnLoop = connection.loop.isCurrent
        if isOnLoop, let result = connection.onLoop({ $0.send(message, on: stream) }) { return try result.get() }
        try await waitOnLoop { (connection: isolated ClientConnection, waiter: Waiter<Void>) in
            if let result = isOnLoop ? connection.room(on: stream) : connection.send(message, on: stream) {
                waiter.resume(result)
            } else {
                stream.sender = waiter
            }
        }
    }

    func finishSending() async throws {
        let (connection, stream) = (stream.connection, stream)
        connection.loop.execute { connection.onLoop { $0.finishSending(stream) } }
    }

    func initialMetadata() async throws -> Metadata {
        let stream = stream
        return try await waitOnLoop { connection, waiter in
            if let result = connection.metadata(of: stream) {
                waiter.resume(result)
            } else {
                stream.headWaiter = waiter
            }
        }
    }

    func receive() async throws -> Bytes? {
        let (connection, stream) = (stream.connection, stream)
        if connection.loop.isCurrent, let result = connection.onLoop({ $0.takeMessage(stream) }) {
            return try result.get()
        }
        return try await waitOnLoop { connection, waiter in
            if let result = connection.takeMessage(stream) { waiter.resume(result) } else { stream.receiver = waiter }
        }
    }

    func cancel() {
        let (connection, stream) = (stream.connection, stream)
        connection.loop.execute { connection.onLoop { $0.cancel(stream) } }
    }

    /// Suspends the task, and lets `begin` take the waiter on the loop. Cancelling the task cancels the call.
    private func waitOnLoop<Value: Sendable>(
        _ begin: @escaping @Sendable (isolated ClientConnection, Waiter<Value>) -> Void
    ) async throws -> Value {
        let waiter = Waiter<Value>()
        let connection = stream.connection
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                connection.loop.execute {
                    connection.onLoop { connection in
                        waiter.wait(continuation)
                        if waiter.isWaiting { begin(connection, waiter) }
                    }
                }
            }
        } onCancel: {
            connection.loop.execute { waiter.cancel() }
            self.cancel()
        }
    }
}
