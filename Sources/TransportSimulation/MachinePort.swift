internal import EventLoops
internal import Glibc
internal import NodeTransport
internal import Synchronization
internal import TransportTestKit

/// A socket of a ``SimulatedMachine``, as its event loop sees it.
final class MachinePort: SimulatedPort {
    private struct State {
        var socket: SimulatedSocket?
        var waiting: [SimulatedDatagram] = []
        var failures: [UDPFailure] = []
        var onArrival: (@Sendable () -> Void)?
    }

    /// More are dropped, as by a kernel whose buffer is full.
    private static let maximumWaiting = 8_192
    private static let maximumFailures = 16

    let localAddress: InternetAddress
    private let connectedTo: SimulatedAddress?
    private let state = Mutex(State())

    init(_ host: SimulatedHost, _ port: UInt16, connectedTo remote: InternetAddress?) throws {
        connectedTo = remote?.simulated
        let box = PortBox()
        let socket = try host.bind(port, hearsOfRefusals: true) { datagram in box.port?.arrived(datagram) }
        localAddress = InternetAddress(socket.address)
        state.withLock { $0.socket = socket }
        box.set(self)
    }

    func start(_ onArrival: @escaping @Sendable () -> Void) {
        let isWaiting = state.withLock { state in
            state.onArrival = onArrival
            return !state.waiting.isEmpty || !state.failures.isEmpty
        }
        if isWaiting { onArrival() }
    }

    func send(_ datagram: UnsafeRawBufferPointer, ecn: ECN, to remote: InternetAddress) -> Int32 {
        guard let destination = remote.simulated else { return ENETUNREACH }
        guard let socket = state.withLock({ $0.socket }) else { return EBADF }
        socket.send(
            unsafe Bytes(copying: datagram), to: destination, ecn: ECNMark(rawValue: ecn.rawValue) ?? .notCapable)
        return 0
    }

    private func arrived(_ datagram: SimulatedDatagram) {
        if let connectedTo, datagram.source != connectedTo { return }
        let onArrival = state.withLock { state -> (@Sendable () -> Void)? in
            let isFirst = state.waiting.isEmpty && state.failures.isEmpty
            if datagram.isRefusal {
                guard state.failures.count < Self.maximumFailures else { return nil }
                state.failures.append(
                    UDPFailure(errno: ECONNREFUSED, remote: InternetAddress(datagram.source), mtu: nil))
            } else {
                guard state.waiting.count < Self.maximumWaiting else { return nil }
                state.waiting.append(datagram)
            }
            return isFirst ? state.onArrival : nil
        }
        onArrival?()
    }

    func receive(_ body: (UnsafeRawBufferPointer, ECN, InternetAddress) -> Bool) {
        let datagrams = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for datagram in datagrams {
            let goesOn = unsafe datagram.payload.withUnsafeBytes { bytes in
                unsafe body(
                    bytes, ECN(rawValue: datagram.ecn.rawValue) ?? .notCapable, InternetAddress(datagram.source))
            }
            guard goesOn else { return }
        }
    }

    func takeFailures() -> [UDPFailure] {
        state.withLock { state in
            defer { state.failures = [] }
            return state.failures
        }
    }

    func close() {
        let socket = state.withLock { state in
            state.onArrival = nil
            return state.socket.take()
        }
        socket?.close()
    }
}

/// The port of a socket that is made before it.
private final class PortBox: Sendable {
    private struct Weak: Sendable {
        weak var port: MachinePort?
    }

    private let content = Mutex(Weak())

    var port: MachinePort? { content.withLock { $0.port } }

    func set(_ port: MachinePort) { content.withLock { $0.port = port } }
}

extension InternetAddress {
    /// The translation that ``SimulatedAddress`` promises: host *n* is 10.x.y.z.
    init(_ address: SimulatedAddress) { self.init(ipv4: 10 << 24 | address.host, port: address.port) }

    /// `nil` for an address that no host of a simulation has.
    var simulated: SimulatedAddress? {
        guard let bits = ipv4Bits, bits >> 24 == 10 else { return nil }
        return SimulatedAddress(host: bits & 0xff_ffff, port: port)
    }
}
