internal import NodeTransport
internal import Synchronization

/// What joins one client to one server: the calls in flight, the datagrams, and how the connection is doing.
final class InMemoryLink: Sendable {
    /// One end of the link.
    struct Side: Sendable {
        /// For the client an invented name, for the server where it listens.
        let endpoint: Endpoint
        let configuration: InMemoryConfiguration
    }

    private enum State {
        case ready
        case draining
        case closed(TransportError?)
    }

    private struct Storage {
        var state = State.ready
        var calls: [ObjectIdentifier: InMemoryCall] = [:]
        var waitingForIdle: [CheckedContinuation<Void, Never>] = []

        mutating func takeIdleWaiters() -> [CheckedContinuation<Void, Never>] {
            guard calls.isEmpty else { return [] }
            defer { waitingForIdle = [] }
            return waitingForIdle
        }
    }

    let client: Side
    let server: Side
    let table: ServiceTable
    let clock: AnyContinuousClock
    let states = ConnectionStateSource(.ready)
    /// Datagrams on their way to the client.
    let datagrams: DatagramQueue<Bytes>
    private let datagramsToServer: DatagramQueue<Bytes>
    private let storage = Mutex(Storage())

    init(client: Side, server: Side, table: ServiceTable, clock: AnyContinuousClock) {
        self.client = client
        self.server = server
        self.table = table
        self.clock = clock
        datagrams = DatagramQueue(limit: client.configuration.maximumBufferedDatagrams)
        datagramsToServer = DatagramQueue(limit: server.configuration.maximumBufferedDatagrams)
        guard let handler = table.datagramHandler else { return }
        let context = DatagramContext(peer: client.configuration.identity, remoteEndpoint: client.endpoint)
        // Ends when the link closes the queue.
        Task.detached { [datagrams, datagramsToServer] in
            while let datagram = try? await datagramsToServer.next() {
                if let answer = await handler(datagram, context) { datagrams.append(answer) }
            }
        }
    }

    deinit { datagramsToServer.close(with: TransportError(.unavailable, "the connection was released")) }

    /// The peer, as the client asked for it.
    var endpoint: Endpoint { server.endpoint }

    /// Begins a call.
    func open(_ head: CallHead) throws -> InMemoryCall {
        if let deadline = head.deadline, deadline.hasPassed(now: clock.now) {
            throw TransportError.deadlineExceeded(head.method, endpoint: endpoint, processing: .notProcessed)
        }
        let call = InMemoryCall(head: head, link: self)
        try storage.withLock { storage in
            switch storage.state {
            case .ready: storage.calls[ObjectIdentifier(call)] = call
            case .draining: throw refusal("the connection is shutting down", cause: nil)
            case .closed(let cause): throw refusal("the connection is closed", cause: cause)
            }
        }
        if let handler = table.handler(forPath: head.method.path) {
            call.start(handler)
        } else {
            let reason = table.hasService(head.method.service) ? "has no method" : "has no service for"
            let error = TransportError(.unimplemented, "the server \(reason) \(head.method)", endpoint: endpoint)
            call.withMachine { $0.answer(error, &$1) }
        }
        return call
    }

    func remove(_ call: InMemoryCall) {
        let idle = storage.withLock { storage in
            storage.calls[ObjectIdentifier(call)] = nil
            return storage.takeIdleWaiters()
        }
        for continuation in idle { continuation.resume() }
    }

    /// The status that a request ends its call with because it is too large for one of the sides.
    func refusal(ofRequest message: Bytes, _ method: MethodName) -> TransportError? {
        for (side, origin) in [(client, TransportError.Origin.local), (server, .remote)] {
            let limit = side.configuration.maximumMessageBytes
            if message.count > limit {
                return .messageTooLarge(message.count, limit: limit, method, origin: origin).at(endpoint)
            }
        }
        return nil
    }

    func sendToServer(_ datagram: Bytes) throws {
        let limit = client.configuration.maximumDatagramBytes
        guard datagram.count <= limit else {
            throw TransportError(
                .invalidArgument, "a datagram of \(datagram.count) bytes is over the limit of \(limit) bytes",
                endpoint: endpoint)
        }
        if case .closed(let cause) = storage.withLock({ $0.state }) {
            throw refusal("the connection is closed", cause: cause)
        }
        datagramsToServer.append(datagram)
    }

    /// Refuses new calls, waits for those in flight for at most `grace`, and closes with `error`.
    func drain(within grace: Duration, _ reason: String, closingWith error: TransportError?) async {
        let isFirst = storage.withLock { storage in
            guard case .ready = storage.state else { return false }
            storage.state = .draining
            return true
        }
        if isFirst { states.update(.draining(reason)) }
        // Ends below, or by cutting what is left.
        let timer = Task.detached { [clock] in
            guard (try? await clock.sleep(until: clock.now.advanced(by: grace))) != nil else { return }
            self.cutCalls(
                TransportError(
                    .unavailable, "\(reason): the call was cut off", origin: .library, endpoint: self.endpoint))
        }
        await withCheckedContinuation { continuation in
            let isIdle = storage.withLock { storage in
                guard !storage.calls.isEmpty else { return true }
                storage.waitingForIdle.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
        timer.cancel()
        close(error)
    }

    /// Ends everything at once, as when the peer's process dies.
    func sever(_ reason: String) {
        let error = TransportError(.unavailable, reason, origin: .library, endpoint: endpoint)
        close(error)
        cutCalls(error)
    }

    private func close(_ error: TransportError?) {
        let isFirst = storage.withLock { storage in
            if case .closed = storage.state { return false }
            storage.state = .closed(error)
            return true
        }
        guard isFirst else { return }
        let reason = error ?? TransportError(.unavailable, "the connection is closed", endpoint: endpoint)
        datagrams.close(with: reason)
        datagramsToServer.close(with: reason)
        states.update(.closed(error))
    }

    private func cutCalls(_ error: TransportError) {
        for call in storage.withLock({ Array($0.calls.values) }) { call.cut(error) }
    }

    private func refusal(_ reason: String, cause: TransportError?) -> TransportError {
        TransportError(
            .unavailable, reason, cause: cause, origin: .library, processing: .notProcessed, endpoint: endpoint)
    }
}

extension InMemoryConfiguration {
    func newQueue() -> MessageQueue {
        MessageQueue(maximumBytes: maximumBufferedBytes, maximumMessages: maximumBufferedMessages)
    }
}
