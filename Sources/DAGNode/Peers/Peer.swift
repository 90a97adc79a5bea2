internal import DAGProtocol
internal import FoundationEssentials
internal import NodeTransport
internal import Synchronization
internal import TransactionSignatures
internal import TransportResilience

/// A peer that can be called.
struct ConnectedPeer: Sendable {
    let endpoint: Endpoint
    let connection: any Connection
    /// Who it says it is.
    let id: String
    /// With which it signs.
    let publicKey: Data
}

/// One configured peer: keeps a connection to it, and hands it the transactions that it is offered.
final class Peer: Sendable {
    private struct State {
        var connected: ConnectedPeer?
        var connections: UInt64 = 0
        var lastError = ""
        /// The key that each id has shown first; another one later is refused.
        var knownKeys: [String: Data] = [:]
        var lastID = ""
        var queued = 0
    }

    let endpoint: Endpoint
    private let core: NodeCore
    private let transport: any Transport
    private let acknowledgements: AcknowledgementRecorder
    private let state = Mutex(State())
    private let reconnectSignal = Signal()
    private let outbox: AsyncStream<Transaction>
    private let outboxInput: AsyncStream<Transaction>.Continuation

    init(core: NodeCore, endpoint: Endpoint, transport: any Transport, acknowledgements: AcknowledgementRecorder) {
        self.core = core
        self.endpoint = endpoint
        self.transport = transport
        self.acknowledgements = acknowledgements
        (outbox, outboxInput) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(core.configuration.maximumQueuedBroadcasts))
    }

    var connected: ConnectedPeer? { state.withLock { $0.connected } }

    var statistics: PeerStatistics {
        var statistics = PeerStatistics()
        statistics.endpoint = endpoint.description
        state.withLock { state in
            statistics.nodeID = state.lastID
            statistics.connected = state.connected != nil
            statistics.connections = state.connections
            statistics.queued = UInt64(max(state.queued, 0))
            statistics.lastError = state.lastError
        }
        return statistics
    }

    /// The key that `id` showed when it was reached at this endpoint.
    func knownKey(of id: String) -> Data? { state.withLock { $0.knownKeys[id] } }

    /// Ends the pause before the next attempt to connect.
    func reconnect() { reconnectSignal.send() }

    /// Puts `transaction` in the peer's queue; when the peer is away or the queue is full, it is left to repair.
    func offer(_ transaction: Transaction) {
        guard connected != nil else { return finish(transaction, .unreachable) }
        state.withLock { $0.queued += 1 }
        if case .dropped = outboxInput.yield(transaction) {
            state.withLock { $0.queued -= 1 }
            finish(transaction, .dropped)
        }
    }

    /// Runs until the task is cancelled; calls `onConnect` each time the peer can be called.
    func run(onConnect: @escaping @Sendable () -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepConnected(onConnect) }
            group.addTask { await self.deliverAll() }
        }
    }

    // MARK: Connecting

    private func keepConnected(_ onConnect: @Sendable () -> Void) async {
        let backoff = core.configuration.reconnectBackoff
        var retries = 0
        while !Task.isCancelled {
            let reason: String
            do {
                let peer = try await connect()
                retries = 0
                core.emit(.peerConnected(endpoint, id: peer.id))
                onConnect()
                reason = await waitForEnd(of: peer.connection)
            } catch {
                reason = "\(error)"
            }
            state.withLock { state in
                state.connected = nil
                state.lastError = reason
            }
            guard !Task.isCancelled else { return }
            retries += 1
            let pause = backoff.delay(beforeRetry: retries, chance: .random(in: 0..<1))
            core.emit(.peerLost(endpoint, reason: reason, retryAfter: pause))
            await wait(pause)
        }
    }

    private func connect() async throws -> ConnectedPeer {
        let connection = try await transport.connect(to: endpoint)
        do {
            var request = IdentifyRequest()
            request.nodeID = core.configuration.id
            let identity = try await connection.call(
                Node.identify, request, deadline: .after(core.configuration.requestTimeout))
            try check(identity, connection.peer)
            let peer = ConnectedPeer(
                endpoint: endpoint, connection: connection, id: identity.nodeID, publicKey: identity.publicKey)
            state.withLock { state in
                state.connected = peer
                state.connections += 1
                state.lastID = peer.id
                state.lastError = ""
            }
            return peer
        } catch {
            await connection.close(within: .zero)
            throw error
        }
    }

    private func check(_ identity: NodeIdentity, _ certificate: PeerIdentity?) throws {
        try Transaction.checkID("node_id", identity.nodeID)
        _ = try VerificationKey(identity.publicKey, field: "public_key")
        guard identity.nodeID != core.configuration.id else {
            throw TransportError(
                .failedPrecondition, "\(endpoint) is this node itself, or another that is called \(identity.nodeID) too"
            )
        }
        if core.configuration.bindsIDsToCertificates, let certificate, !certificate.isNamed(identity.nodeID) {
            throw TransportError(
                .unauthenticated, "\(endpoint) calls itself \(identity.nodeID), which is no name of its certificate")
        }
        let known = state.withLock { state in
            let known = state.knownKeys[identity.nodeID] ?? identity.publicKey
            state.knownKeys[identity.nodeID] = known
            return known
        }
        guard known == identity.publicKey else {
            throw TransportError(.unauthenticated, "\(identity.nodeID) at \(endpoint) shows another key than before")
        }
    }

    private func waitForEnd(of connection: any Connection) async -> String {
        for await update in connection.stateUpdates() {
            switch update {
            case .connecting, .ready: continue
            case .draining(let reason): return reason
            case .closed(let error): return error.map { "\($0)" } ?? "the connection was closed"
            }
        }
        await connection.close(within: .zero)
        return "the connection was closed"
    }

    private func wait(_ pause: Duration) async { await reconnectSignal.wait(atMost: pause, core.clock) }

    // MARK: Broadcasting

    /// Hands over what is in the queue, several at once, whichever connection there is.
    private func deliverAll() async {
        await withTaskGroup(of: Void.self) { group in
            var underWay = 0
            for await transaction in outbox {
                if underWay >= core.configuration.maximumBroadcastsUnderWay {
                    await group.next()
                    underWay -= 1
                }
                group.addTask { await self.deliver(transaction) }
                underWay += 1
            }
        }
    }

    private func deliver(_ transaction: Transaction) async {
        defer { state.withLock { $0.queued -= 1 } }
        guard let connection = connected?.connection else { return finish(transaction, .unreachable) }
        do {
            let ack = try await connection.call(
                PoH.broadcast, transaction.message, deadline: .after(core.configuration.broadcastTimeout))
            if ack.success {
                finish(transaction, ack.alreadyKnown ? .alreadyKnown : .acknowledged)
            } else {
                finish(transaction, .refused(.unknown))
            }
        } catch {
            finish(transaction, BroadcastResult(error))
        }
    }

    private func finish(_ transaction: Transaction, _ result: BroadcastResult) {
        if result.isHeld { acknowledgements.add(transaction.id) }
        core.count(result.counter)
        core.emit(.broadcast(id: transaction.id, peer: endpoint, result))
    }
}

extension BroadcastResult {
    var counter: NodeCounter {
        switch self {
        case .acknowledged: .broadcastAcknowledged
        case .alreadyKnown: .broadcastAlreadyKnown
        case .refused: .broadcastRefused
        case .timedOut: .broadcastTimedOut
        case .unreachable: .broadcastUnreachable
        case .dropped: .broadcastDropped
        }
    }
}

extension PeerIdentity {
    /// Whether the certificate is for the node `id`.
    func isNamed(_ id: String) -> Bool { names.contains(.dns(id)) }
}
