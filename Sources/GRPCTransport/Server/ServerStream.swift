internal import EventLoops
internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport
internal import Synchronization

/// One call that a server serves: what the connection knows about it, and what its handler holds.
///
/// Soundness of `@unchecked Sendable`: the constants are immutable, `metadata` is behind a mutex, and all
/// else is used on the connection's event loop only, where each operation first takes itself.
final class ServerStream: ServerCall, @unchecked Sendable {
    /// What the handler wants to send beside its messages.
    struct OutgoingMetadata {
        var initial = Metadata()
        var trailers = Metadata()
    }

    let connection: ServerConnection
    let handle: StreamHandle
    let handler: MethodHandler
    let head: CallHead

    private let metadata = Mutex(OutgoingMetadata())

    // Confined to the loop.
    var assembler: MessageAssembler
    var inbox = MessageQueue()
    /// Bytes for which the peer has not had its credit back.
    var withheldBytes = 0
    /// The client has half-closed.
    var isRemotelyClosed = false
    var hasSentHeaders = false
    /// Why the call is over; the handler may still run.
    var ending: Result<Void, TransportError>?
    var receiver: Waiter<Bytes?>?
    var sender: Waiter<Void>?
    var task: Task<Void, Never>?
    var timer: LoopTimer?

    init(connection: ServerConnection, handle: StreamHandle, handler: MethodHandler, head: CallHead, messageLimit: Int)
    {
        self.connection = connection
        self.handle = handle
        self.handler = handler
        self.head = head
        assembler = MessageAssembler(limit: messageLimit)
    }

    var peer: PeerIdentity? { connection.peer }
    var remoteEndpoint: Endpoint { connection.remoteEndpoint }

    func setInitialMetadata(_ metadata: Metadata) { self.metadata.withLock { $0.initial = metadata } }
    func setTrailers(_ metadata: Metadata) { self.metadata.withLock { $0.trailers = metadata } }

    /// What the handler has set so far.
    var outgoing: OutgoingMetadata { metadata.withLock { $0 } }

    func sendInitialMetadata() async throws {
        try await waitOnLoop { (connection: isolated ServerConnection, waiter: Waiter<Void>) in
            waiter.resume(connection.sendInitialMetadata(of: self))
        }
    }

    func receive() async throws -> Bytes? {
        if connection.loop.isCurrent, let result = connection.onLoop({ $0.takeMessage(self) }) {
            return try result.get()
        }
        return try await waitOnLoop { connection, waiter in
            if let result = connection.takeMessage(self) { waiter.resume(result) } else { self.receiver = waiter }
        }
    }

    func send(_ message: Bytes) async throws {
        if connection.loop.isCurrent, let result = connection.onLoop({ $0.send(message, on: self) }) {
            return try result.get()
        }
        let isSent = connection.loop.isCurrent
        try await waitOnLoop { (connection: isolated ServerConnection, waiter: Waiter<Void>) in
            if let result = isSent ? connection.room(on: self) : connection.send(message, on: self) {
                waiter.resume(result)
            } else {
                self.sender = waiter
            }
        }
    }

    /// Suspends the task, and lets `begin` take the waiter on the loop.
    private func waitOnLoop<Value: Sendable>(
        _ begin: @escaping @Sendable (isolated ServerConnection, Waiter<Value>) -> Void
    ) async throws -> Value {
        let waiter = Waiter<Value>()
        let connection = connection
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
        }
    }
}

// MARK: The handler's task

extension ServerStream {
    /// Starts the handler; a unary handler gets `request`. Its task is kept for as long as it may have to be cancelled.
    func startHandler(_ request: Bytes?) {
        let task =
            switch handler.execution {
            case .eventLoop:
                Task.immediate(executorPreference: connection.loop.taskExecutor) { await self.runHandler(request) }
            case .concurrent: Task.detached { await self.runHandler(request) }
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
                end { $0.finish(self, with: .success(response)) }
            case .stream(let body):
                try await body(ServerContext(self))
                end { $0.finish(self, with: .success(nil)) }
            }
        } catch {
            let status = StatusMapping.status(of: error)
            end { $0.finish(self, with: .failure(status)) }
        }
    }

    private func end(_ body: @escaping @Sendable (isolated ServerConnection) -> Void) {
        if connection.loop.isCurrent {
            connection.onLoop { body($0) }
        } else {
            let connection = connection
            connection.loop.execute { connection.onLoop { body($0) } }
        }
    }
}
