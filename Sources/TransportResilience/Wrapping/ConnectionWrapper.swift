internal import NodeTransport

/// A connection that changes how calls are made over another one, and leaves all else to it.
protocol ConnectionWrapper: Connection, PeerChoosing {
    var base: any Connection { get }
}

extension ConnectionWrapper {
    var endpoint: Endpoint { base.endpoint }
    var peer: PeerIdentity? { base.peer }
    var state: ConnectionState { base.state }
    var executor: (any TaskExecutor)? { base.executor }
    var maximumDatagramBytes: Int? { base.maximumDatagramBytes }
    var choosesPeers: Bool { base.choosesPeersPerCall }

    func stateUpdates() -> AsyncStream<ConnectionState> { base.stateUpdates() }
    func sendDatagram(_ datagram: Bytes) async throws { try await base.sendDatagram(datagram) }
    func receiveDatagram() async throws -> Bytes { try await base.receiveDatagram() }
    func close(within grace: Duration) async { await base.close(within: grace) }
}

extension Connection {
    /// Whether it chooses a peer for each call. A wrapper from elsewhere does not say, and counts as one that does not.
    var choosesPeersPerCall: Bool { (self as? any PeerChoosing)?.choosesPeers ?? false }
}
