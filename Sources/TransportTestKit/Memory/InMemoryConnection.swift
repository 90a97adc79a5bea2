internal import NodeTransport

/// The client's end of a link.
struct InMemoryConnection: Connection {
    let link: InMemoryLink

    var endpoint: Endpoint { link.endpoint }
    var peer: PeerIdentity? { link.server.configuration.identity }
    var state: ConnectionState { link.states.state }

    func stateUpdates() -> AsyncStream<ConnectionState> { link.states.updates() }

    func open(_ head: CallHead) async throws -> any ClientCall {
        if Task.isCancelled {
            throw TransportError(
                .cancelled, "the task was cancelled before \(head.method) began", processing: .notProcessed,
                endpoint: endpoint)
        }
        return InMemoryClientCall(try link.open(head))
    }

    var maximumDatagramBytes: Int? { link.client.configuration.maximumDatagramBytes }

    func sendDatagram(_ datagram: Bytes) async throws { try link.sendToServer(datagram) }

    func receiveDatagram() async throws -> Bytes { try await link.datagrams.next() }

    func close(within grace: Duration) async {
        await link.drain(within: grace, "the client closed the connection", closingWith: nil)
    }
}
