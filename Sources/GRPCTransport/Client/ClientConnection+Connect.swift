internal import CSystem
internal import EventLoops
internal import GRPCCalls
internal import Glibc
internal import NodeTransport
internal import TransportTLS

extension ClientConnection {
    /// Connects to the first address of `endpoint` that answers, and returns when calls can be made.
    static func connect(
        to endpoint: Endpoint, loop: EventLoop, configuration: GRPCTransport.Configuration, tls: TLSContextSource?
    ) async throws -> ClientConnection {
        let addresses = try await SocketAddress.resolve(endpoint)
        var failure: TransportError?
        for address in addresses {
            do {
                // All on the loop: a peer's patience must not run out while the task waits for a thread between two steps.
                return try await withTaskExecutorPreference(loop.taskExecutor) {
                    try await connect(address, endpoint, loop, configuration, tls)
                }
            } catch let error as TransportError {
                // Only a peer that cannot be reached makes the next address worth a try.
                guard error.code == .unavailable else { throw error }
                failure = error
            }
        }
        throw failure
            ?? TransportError(
                .unavailable, "no address", origin: .library, processing: .notProcessed, endpoint: endpoint)
    }

    private static func connect(
        _ address: SocketAddress, _ endpoint: Endpoint, _ loop: EventLoop, _ configuration: GRPCTransport.Configuration,
        _ tls: TLSContextSource?
    ) async throws -> ClientConnection {
        let descriptor = try await SocketConnector.connect(
            address, endpoint, loop, within: configuration.handshakeTimeout)
        let connection: ClientConnection
        do {
            // The session is made here and then belongs to the connection alone.
            let now = WallTime.now
            let session = try tls.map { tls in
                try TLSSession(
                    context: tls.context(now: now), host: endpoint.host, server: endpoint.description, now: now)
            }
            connection = ClientConnection(
                loop: loop, descriptor: descriptor, endpoint: endpoint, configuration: configuration, tls: session)
        } catch {
            cs_close(descriptor)
            throw TransportError(
                .invalidArgument, "TLS could not be started", cause: error, origin: .library, processing: .notProcessed,
                endpoint: endpoint)
        }
        try await withTaskCancellationHandler {
            try await connection.handshake()
        } onCancel: {
            loop.execute { connection.onLoop { $0.abandon() } }
        }
        return connection
    }
}

extension TransportError {
    /// The same as the reason for a connection that could not be made: no call was sent, and a peer that does not speak
    /// HTTP/2 is one that cannot be reached.
    var ofHandshake: TransportError {
        TransportError(
            code == .internal ? .unavailable : code, message, cause: cause, origin: origin, processing: .notProcessed,
            endpoint: endpoint)
    }
}

/// Waits for one TCP connection to be made.
///
/// Soundness of `@unchecked Sendable`: it is used on its loop only.
private final class SocketConnector: LoopEventHandler, LoopTimerHandler, @unchecked Sendable {
    private let loop: EventLoop
    private let endpoint: Endpoint
    private let timeout: Duration
    private let timer = LoopTimer()
    private var descriptor: Int32 = -1
    private var registration: LoopRegistration?
    private let waiter = Waiter<Int32>()

    private init(_ loop: EventLoop, _ endpoint: Endpoint, _ timeout: Duration) {
        self.loop = loop
        self.endpoint = endpoint
        self.timeout = timeout
    }

    /// A connected socket.
    static func connect(
        _ address: SocketAddress, _ endpoint: Endpoint, _ loop: EventLoop, within timeout: Duration
    ) async throws -> Int32 {
        let connector = SocketConnector(loop, endpoint, timeout)
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                loop.execute {
                    connector.waiter.wait(continuation)
                    if connector.waiter.isWaiting { connector.start(address) }
                }
            }
        } onCancel: {
            loop.execute {
                connector.finish(
                    .failure(
                        TransportError(
                            .cancelled, "the task was cancelled", processing: .notProcessed, endpoint: endpoint)))
            }
        }
    }

    private func start(_ address: SocketAddress) {
        descriptor = cs_socket_stream(address.family)
        guard descriptor >= 0 else { return failed(-descriptor) }
        if !address.isUnix { cs_set_no_delay(descriptor) }
        let code = unsafe address.withPointer { unsafe cs_connect(descriptor, $0, $1) }
        if code >= 0 { return finish(.success(descriptor)) }
        guard -code == EINPROGRESS else { return failed(-code) }
        do {
            registration = try loop.add(descriptor: descriptor, events: .writable, handler: self)
            loop.schedule(timer, for: self, after: timeout)
        } catch {
            failed(error.errno)
        }
    }

    func handle(_ events: LoopEvents) {
        let errno = cs_socket_error(descriptor)
        if errno == 0 { finish(.success(descriptor)) } else { failed(errno) }
    }

    func timerFired(_ timer: LoopTimer) { failed(ETIMEDOUT) }

    private func failed(_ errno: Int32) {
        finish(
            .failure(
                TransportError(
                    .unavailable, "cannot connect: \(systemMessage(errno))", origin: .library,
                    processing: .notProcessed,
                    endpoint: endpoint)))
    }

    private func finish(_ result: Result<Int32, TransportError>) {
        loop.cancel(timer)
        registration.take().map { loop.remove($0, descriptor: descriptor) }
        let isAwaited = waiter.isWaiting
        if case .failure = result, descriptor >= 0, isAwaited { cs_close(descriptor) }
        waiter.resume(result)
    }
}
