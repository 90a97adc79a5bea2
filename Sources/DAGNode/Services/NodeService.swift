internal import DAGProtocol
internal import DAGStore
internal import NodeTransport

/// Serves `node.NodeService`.
struct NodeService: Service {
    private static let maximumChallenges = 1_000

    let node: LedgerNode
    let peers: PeerBook
    let repairer: Repairer

    var handlers: [MethodHandler] {
        [
            Node.identify.handle { request, _ in
                if !request.nodeID.isEmpty {
                    // A node has come back: it has what this one missed, and can be reached again.
                    peers.reconnect()
                    repairer.wake()
                }
                return node.identity
            },
            Node.statistics.handle { _, _ in
                do {
                    return try await node.statistics()
                } catch let error as StoreError {
                    throw error.status
                }
            },
            Node.audit.handle(on: .concurrent) { request, _ in
                guard request.challengesPerPeer <= Self.maximumChallenges else {
                    throw InvalidField(
                        "challenges_per_peer", "\(request.challengesPerPeer), at most \(Self.maximumChallenges)"
                    ).status
                }
                do {
                    return try await node.audit(challengesPerPeer: Int(request.challengesPerPeer))
                } catch let error as StoreError {
                    throw error.status
                }
            },
        ]
    }
}
