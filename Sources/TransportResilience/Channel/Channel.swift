internal import NodeTransport

/// A connection to a target, for as long as it is kept: behind it, connections to peers come and go.
///
/// Letting go of it closes it; calls in flight may finish.
final class Channel: Connection, PeerChoosing {
    private let core: ChannelCore

    init(_ core: ChannelCore) { self.core = core }

    deinit {
        guard !core.states.state.isClosed else { return }
        // Ends when the calls in flight do, at the latest after the grace.
        core.detached { [core] in await core.close(within: core.configuration.drainGrace) }
    }

    var endpoint: Endpoint { core.target }
    var peer: PeerIdentity? { core.onlyConnection?.peer }
    var state: ConnectionState { core.states.state }
    var executor: (any TaskExecutor)? { core.onlyConnection?.executor }

    /// Of several or of one that may change: either way calls can wait for it.
    var choosesPeers: Bool { true }

    func stateUpdates() -> AsyncStream<ConnectionState> { core.states.updates() }

    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        let candidate = try await core.candidate(for: head)
        do {
            let reply = try await candidate.connection.unary(core.sent(head, to: candidate), request)
            core.succeeded(candidate)
            return reply
        } catch {
            return try await elsewhere(head, candidate, error) { [core] head, candidate in
                let reply = try await candidate.connection.unary(core.sent(head, to: candidate), request)
                core.succeeded(candidate)
                return reply
            }
        }
    }

    func open(_ head: CallHead) async throws -> any ClientCall {
        let candidate = try await core.candidate(for: head)
        do {
            return ChannelCall(try await candidate.connection.open(core.sent(head, to: candidate)), candidate, core)
        } catch {
            return try await elsewhere(head, candidate, error) { [core] head, candidate in
                ChannelCall(try await candidate.connection.open(core.sent(head, to: candidate)), candidate, core)
            }
        }
    }

    /// A call that has failed is made anew for as long as no peer has seen it.
    private func elsewhere<Value>(
        _ head: CallHead, _ candidate: ChannelCandidate, _ error: any Error,
        _ body: (CallHead, ChannelCandidate) async throws -> Value
    ) async throws -> Value {
        var (head, candidate, error) = (head, candidate, error)
        var passes = 0
        while true {
            core.failed(candidate, with: error)
            passes += 1
            guard try await core.goesElsewhere(candidate, error, &head, passes: passes) else {
                throw Self.located(error, candidate)
            }
            candidate = try await core.candidate(for: head)
            do { return try await body(head, candidate) } catch let next { error = next }
        }
    }

    func close(within grace: Duration) async { await core.close(within: grace) }

    /// The error, which says at which peer: a retry may want to avoid it.
    private static func located(_ error: any Error, _ candidate: ChannelCandidate) -> any Error {
        guard let error = error as? TransportError, error.endpoint == nil else { return error }
        return error.at(candidate.endpoint)
    }

    // MARK: Datagrams

    /// Only where there is one connection, so that both sides mean the same peer.
    var maximumDatagramBytes: Int? {
        core.balancer.usesOneConnection ? core.onlyConnection?.maximumDatagramBytes : nil
    }

    func sendDatagram(_ datagram: Bytes) async throws {
        try checkDatagrams()
        try await core.soleCandidate(false).connection.sendDatagram(datagram)
    }

    func receiveDatagram() async throws -> Bytes {
        try checkDatagrams()
        while true {
            let candidate = try await core.soleCandidate(true)
            do {
                return try await candidate.connection.receiveDatagram()
            } catch let error as TransportError where error.code == .unavailable {
                guard !candidate.connection.state.isReady else { throw error }
                core.lost(candidate.peer, attempt: candidate.attempt, with: error)
            }
        }
    }

    private func checkDatagrams() throws {
        guard core.balancer.usesOneConnection else {
            throw TransportError(
                .unimplemented, "a channel that balances has no datagrams: it would not be clear to whom",
                endpoint: endpoint)
        }
    }
}
