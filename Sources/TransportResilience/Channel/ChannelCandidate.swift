internal import NodeTransport

/// A connection that calls may go to; an object, so that handing it to a call costs one reference.
final class ChannelCandidate: Sendable {
    let peer: Int
    let attempt: Int
    let endpoint: Endpoint
    let connection: any Connection
    let load: PeerLoad

    init(peer: Int, attempt: Int, endpoint: Endpoint, connection: any Connection, load: PeerLoad) {
        self.peer = peer
        self.attempt = attempt
        self.endpoint = endpoint
        self.connection = connection
        self.load = load
    }
}
