import NodeTransport
import QUICEngine
import TransportTestKit

/// What uses an endpoint on the simulated network.
protocol EndpointOwner: AnyObject {
    var endpoint: QUICEndpoint { get }

    /// Takes the endpoint's events until there are none.
    func takeEvents(now: QUICTime)

    /// When ``handleOwnTimeout(now:)`` is to be called.
    var ownDeadline: QUICTime? { get }
    func handleOwnTimeout(now: QUICTime)
}

extension EndpointOwner {
    var ownDeadline: QUICTime? { nil }
    func handleOwnTimeout(now: QUICTime) {}
}

extension Node: EndpointOwner {
    func takeEvents(now: QUICTime) { takeEvents() }
}

/// A QUIC endpoint on the simulated network.
final class SimulatedEndpoint: SimulatedParticipant {
    /// The engine's time when the network begins; it is not to be zero.
    static let epoch: QUICTime = .seconds(1000)

    static func time(_ now: Int64) -> QUICTime { epoch + QUICTime(max(now, 0)) }

    var owner: any EndpointOwner
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    /// What one transmit brought, the last first.
    private var outgoing: [SimulatedDatagram] = []
    /// Looks at each datagram before the endpoint gets it.
    var onReceive: ((SimulatedDatagram, Int64) -> Void)?
    var onSend: ((SimulatedDatagram, Int64) -> Void)?

    init(_ owner: any EndpointOwner) { self.owner = owner }

    deinit { buffer.deallocate() }

    func receive(_ datagram: SimulatedDatagram, now: Int64) {
        onReceive?(datagram, now)
        let path = QUICPath(local: QUICAddress(datagram.destination), remote: QUICAddress(datagram.source))
        datagram.payload.withUnsafeBytes { bytes in
            owner.endpoint.receive(
                bytes, segmentBytes: bytes.count, ecn: datagram.ecn.rawValue, path: path, now: Self.time(now))
        }
        owner.takeEvents(now: Self.time(now))
    }

    var nextDeadline: Int64? {
        let deadline = min(owner.endpoint.nextDeadline ?? .max, owner.ownDeadline ?? .max)
        return deadline == .max ? nil : Int64(clamping: max(deadline, Self.epoch) - Self.epoch)
    }

    func handleTimeout(now: Int64) {
        let time = Self.time(now)
        if let deadline = owner.endpoint.nextDeadline, deadline <= time { owner.endpoint.handleTimeout(now: time) }
        if let deadline = owner.ownDeadline, deadline <= time { owner.handleOwnTimeout(now: time) }
        owner.takeEvents(now: time)
    }

    func pollTransmit(now: Int64) -> SimulatedDatagram? {
        if outgoing.isEmpty {
            let time = Self.time(now)
            owner.takeEvents(now: time)
            guard let transmit = owner.endpoint.pollTransmit(into: buffer, now: time) else { return nil }
            split(transmit)
            owner.takeEvents(now: time)
        }
        guard let next = outgoing.popLast() else { return nil }
        onSend?(next, now)
        return next
    }

    private func split(_ transmit: QUICTransmit) {
        precondition(transmit.byteCount > 0 && transmit.byteCount <= buffer.count && transmit.segmentBytes > 0)
        let (source, destination) = (transmit.path.local.simulated, transmit.path.remote.simulated)
        let ecn = ECNMark(rawValue: transmit.ecn) ?? .notCapable
        for start in stride(from: 0, to: transmit.byteCount, by: transmit.segmentBytes) {
            let end = min(start + transmit.segmentBytes, transmit.byteCount)
            let bytes = Bytes(copying: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            outgoing.append(SimulatedDatagram(bytes, from: source, to: destination, ecn: ecn))
        }
        outgoing.reverse()
    }
}

extension QUICAddress {
    init(_ address: SimulatedAddress) {
        guard let made = address.ipv4SocketAddress.withUnsafeBytes({ QUICAddress(sockaddr: $0) }) else {
            preconditionFailure("\(address) is no address")
        }
        self = made
    }

    var simulated: SimulatedAddress {
        guard let made = withSockaddr({ SimulatedAddress(socketAddress: Array($0)) }) else {
            preconditionFailure("\(self) is not of the simulated network")
        }
        return made
    }
}
