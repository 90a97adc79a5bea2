import NodeTransport
import QUICTransport
import TransportTestKit

/// A QUIC transport whose listeners are reached through a ``LossyRelay``.
struct RelayedTransport: Transport {
    let transport: QUICTransport
    let seed: UInt64

    func connect(to endpoint: Endpoint) async throws -> any Connection { try await transport.connect(to: endpoint) }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        // A port that is asked for is the relay's.
        let listener = try await transport.listen(on: endpoint.withPort(0), serving: table)
        do {
            let relay = try LossyRelay(
                to: listener.endpoint.port ?? 0, at: UInt16(clamping: endpoint.port ?? 0), seed: seed)
            return RelayedListener(listener: listener, relay: relay)
        } catch {
            await listener.shutdown(within: .zero)
            throw TransportError(.alreadyExists, "\(error)", endpoint: endpoint)
        }
    }

    func shutdown(within grace: Duration) async { await transport.shutdown(within: grace) }
}

/// Tells the relay's address as its own.
final class RelayedListener: Listener {
    let listener: any Listener
    let relay: LossyRelay

    init(listener: any Listener, relay: LossyRelay) {
        self.listener = listener
        self.relay = relay
    }

    var endpoint: Endpoint { listener.endpoint.withPort(relay.port) }

    func shutdown(within grace: Duration) async {
        await listener.shutdown(within: grace)
        await relay.stop()
    }
}
