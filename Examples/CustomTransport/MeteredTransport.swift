import NodeTransport
import Synchronization

/// What has gone through a ``MeteredTransport``.
struct Meter: Sendable {
    var calls = 0
    var messagesOut = 0
    var messagesIn = 0
    var bytesOut = 0
    var bytesIn = 0
}

/// A transport of one's own: it wraps another and counts what its clients send and receive.
final class MeteredTransport: Transport {
    private let base: any Transport
    private let totals = Mutex(Meter())

    init(_ base: any Transport) { self.base = base }

    var meter: Meter { totals.withLock { $0 } }

    func count(_ change: (inout Meter) -> Void) { totals.withLock { change(&$0) } }

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        MeteredConnection(base: try await base.connect(to: endpoint), transport: self)
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}

/// Unary calls need nothing here: `Connection` makes them out of ``open(_:)``.
private struct MeteredConnection: Connection {
    let base: any Connection
    let transport: MeteredTransport

    var endpoint: Endpoint { base.endpoint }
    var peer: PeerIdentity? { base.peer }
    var state: ConnectionState { base.state }
    var executor: (any TaskExecutor)? { base.executor }
    var maximumDatagramBytes: Int? { base.maximumDatagramBytes }

    func stateUpdates() -> AsyncStream<ConnectionState> { base.stateUpdates() }

    func open(_ head: CallHead) async throws -> any ClientCall {
        let call = try await base.open(head)
        transport.count { $0.calls += 1 }
        return MeteredCall(base: call, transport: transport)
    }

    func sendDatagram(_ datagram: Bytes) async throws { try await base.sendDatagram(datagram) }
    func receiveDatagram() async throws -> Bytes { try await base.receiveDatagram() }
    func close(within grace: Duration) async { await base.close(within: grace) }
}

/// Letting go of it lets go of `base`, which cancels the call, as the contract asks.
private final class MeteredCall: ClientCall {
    private let base: any ClientCall
    private let transport: MeteredTransport

    init(base: any ClientCall, transport: MeteredTransport) {
        self.base = base
        self.transport = transport
    }

    func send(_ message: Bytes) async throws {
        try await base.send(message)
        transport.count {
            $0.messagesOut += 1
            $0.bytesOut += message.count
        }
    }

    func receive() async throws -> Bytes? {
        let message = try await base.receive()
        if let message {
            transport.count {
                $0.messagesIn += 1
                $0.bytesIn += message.count
            }
        }
        return message
    }

    func finishSending() async throws { try await base.finishSending() }
    func initialMetadata() async throws -> Metadata { try await base.initialMetadata() }
    var trailers: Metadata { base.trailers }
    func cancel() { base.cancel() }
}
