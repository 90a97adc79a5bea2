public import NodeTransport

/// A datagram socket of a ``SimulatedNetwork``, for asynchronous code. May be used from any thread.
///
/// Which datagram is sent first when several tasks send at one moment is up to the scheduler: a run is exactly
/// repeatable only where one task sends at a time.
public final class SimulatedSocket: Sendable {
    private let network: SimulatedNetwork
    /// Where it is bound.
    public let address: SimulatedAddress
    private let onReceive: (@Sendable (SimulatedDatagram) -> Void)?
    private let queue: DatagramQueue<SimulatedDatagram>
    /// Whether it is told, as by a datagram, what nobody took.
    let hearsOfRefusals: Bool

    init(
        network: SimulatedNetwork, address: SimulatedAddress, queueLimit: Int,
        hearsOfRefusals: Bool = false, onReceive: (@Sendable (SimulatedDatagram) -> Void)?
    ) {
        self.network = network
        self.address = address
        self.onReceive = onReceive
        self.hearsOfRefusals = hearsOfRefusals
        queue = DatagramQueue(limit: queueLimit)
    }

    /// Sends `payload` now. What becomes of it is the network's affair; a closed socket sends nothing.
    public func send(_ payload: Bytes, to destination: SimulatedAddress, ecn: ECNMark = .notCapable) {
        guard !queue.isClosed else { return }
        network.send(SimulatedDatagram(payload, from: address, to: destination, ecn: ecn))
    }

    /// The next datagram; waits for it.
    ///
    /// - Throws: `TransportError` with `unavailable` when the socket is closed, `cancelled` when the task is.
    public func receive() async throws -> SimulatedDatagram { try await queue.next() }

    /// Gives the port back; whoever waits for a datagram gets an error.
    public func close() {
        network.remove(self)
        queue.close(with: TransportError(.unavailable, "the socket is closed", origin: .library))
    }

    func deliver(_ datagram: SimulatedDatagram) {
        guard !queue.isClosed else { return }
        if let onReceive { onReceive(datagram) } else { queue.append(datagram) }
    }
}
