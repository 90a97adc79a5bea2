internal import DAGProtocol
internal import FoundationEssentials
internal import NodeTransport

/// The peers of a node.
struct PeerBook: Sendable {
    let all: [Peer]

    init(core: NodeCore, transport: any Transport, acknowledgements: AcknowledgementRecorder) {
        all = core.configuration.peers.map {
            Peer(core: core, endpoint: $0, transport: transport, acknowledgements: acknowledgements)
        }
    }

    /// Those that can be called now.
    var connected: [ConnectedPeer] { all.compactMap(\.connected) }

    /// Hands `transaction` to every peer, at once. Returns without waiting; what came of it is an event.
    func broadcast(_ transaction: Transaction) {
        for peer in all { peer.offer(transaction) }
    }

    /// Tries the lost peers again now: one of them may just have come back.
    func reconnect() {
        for peer in all { peer.reconnect() }
    }

    /// The key that the node `id` has shown this node; `nil` when it is none of the peers that have been reached.
    func knownKey(of id: String) -> Data? { all.lazy.compactMap { $0.knownKey(of: id) }.first }
}
