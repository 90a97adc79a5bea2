internal import CSystem
internal import Glibc

/// A datagram socket on one event loop, over IPv4, IPv6 or both.
///
/// Nothing that a peer or the network does makes it fail: errors are reported to the handler, and the socket goes on.
/// It is opened and bound on any thread; from ``start(_:)`` on it belongs to its loop. ``close()`` ends it; dropped
/// without that before it was started, it closes itself.
///
/// Soundness of `@unchecked Sendable`: until it is started one owner has it; then it is used on the loop only, which
/// entry points assert.
@safe package final class UDPSocket: LoopEventHandler, @unchecked Sendable {
    package let loop: EventLoop
    /// Where it is bound; the address may be the any-address.
    package let localAddress: InternetAddress
    /// The only peer of a connected socket.
    package let connectedTo: InternetAddress?
    /// Room for what was received, in bytes, as granted by the kernel.
    package let grantedReceiveBytes: Int
    /// Room for what is to be sent, in bytes, as granted by the kernel.
    package let grantedSendBytes: Int
    /// What the kernel granted, less what later turned out not to work.
    package internal(set) var features: UDPFeatures
    package internal(set) var statistics = UDPStatistics()

    let configuration: UDPConfiguration
    let family: Int32
    /// The socket's number, -1 when it is closed. Lent: for what this type does not do.
    package private(set) var descriptor: Int32
    /// What the datagrams of a send have in common, kept so that most of it is written once.
    var template: cs_udp_send
    /// What stands in for the descriptor on a simulated loop, until the socket is closed.
    var port: (any SimulatedPort)?
    private let hasErrorQueue: Bool
    private var handler: (any UDPSocketHandler)?
    private var registration: LoopRegistration?
    private var isWaitingToWrite = false
    private let messages: UnsafeMutableBufferPointer<cs_udp_message>

    /// Takes over a descriptor that is bound, and connected where `remote` is given; or a port of a simulation.
    init(
        descriptor: Int32, port: (any SimulatedPort)? = nil, family: Int32, granted: UInt32, sharesPort: Bool,
        remote: InternetAddress?, local: InternetAddress, loop: EventLoop, configuration: UDPConfiguration
    ) {
        self.descriptor = descriptor
        self.port = port
        self.family = family
        self.loop = loop
        self.configuration = configuration
        localAddress = local
        connectedTo = remote
        features = UDPFeatures(rawValue: granted).intersection(.all)
        if sharesPort { features.insert(.reusePort) }
        hasErrorQueue = granted & UInt32(CS_UDP_ERROR_QUEUE) != 0
        if port == nil {
            grantedReceiveBytes = Int(
                cs_udp_receive_buffer(descriptor, Int32(clamping: configuration.receiveBufferBytes)))
            grantedSendBytes = Int(cs_udp_send_buffer(descriptor, Int32(clamping: configuration.sendBufferBytes)))
        } else {
            grantedReceiveBytes = configuration.receiveBufferBytes
            grantedSendBytes = configuration.sendBufferBytes
        }
        template = cs_udp_send()
        template.family = UInt16(family)
        template.is_connected = remote == nil ? 0 : 1
        template.connected_v4 = remote?.family == .ipv4 ? 1 : 0
        unsafe messages = UnsafeMutableBufferPointer.allocate(capacity: Int(CS_UDP_MAX_MESSAGES))
        unsafe messages.initialize(repeating: cs_udp_message())
    }

    deinit {
        if descriptor >= 0 { cs_close(descriptor) }
        port?.close()
        unsafe messages.deallocate()
    }

    /// Whether it can no longer be used.
    package var isClosed: Bool { descriptor < 0 && port == nil }

    /// Begins to receive, on the loop. `handler` is kept until ``close()``.
    package func start(_ handler: any UDPSocketHandler) throws(LoopError) {
        loop.assertCurrent()
        guard !isClosed else { throw LoopError(operation: "udp", errno: EBADF) }
        if let port {
            port.start { [weak self] in self.map { $0.loop.noteArrival($0) } }
        } else {
            registration = try loop.add(descriptor: descriptor, events: .readable, handler: self)
        }
        self.handler = handler
    }

    /// Ends it, on the loop; no call to the handler follows.
    package func close() {
        loop.assertCurrent()
        guard !isClosed else { return }
        if let port = port.take() {
            port.close()
        } else {
            registration.take().map { loop.remove($0, descriptor: descriptor) }
            cs_close(descriptor)
            descriptor = -1
        }
        // The handler may go with this reference, and use the socket as it does.
        let last = handler.take()
        withExtendedLifetime(last) {}
    }

    package func handle(_ events: LoopEvents) {
        if let port { return receive(from: port) }
        // First, as the loop reports it until it is taken.
        if events.hasAny(of: .error) { takeErrors() }
        if events.hasAny(of: .writable), isWaitingToWrite {
            waitToWrite(false)
            handler?.writable(self)
        }
        if events.hasAny(of: .readable) { receive() }
    }

    func waitToWrite(_ waits: Bool) {
        guard waits != isWaitingToWrite, let registration else { return }
        isWaitingToWrite = waits
        loop.modify(registration, descriptor: descriptor, events: waits ? [.readable, .writable] : .readable)
    }

    func report(_ failure: UDPFailure) { handler?.failed(failure, on: self) }

    // MARK: Receiving

    private func receive() {
        let slotBytes: Int
        if features.contains(.receiveOffload) {
            // A train is at most as long as a datagram can be.
            slotBytes = 65_536
        } else {
            slotBytes = min(max(configuration.maximumDatagramBytes, 1), 65_536)
        }
        let slots = max(min(unsafe loop.readBuffer.count / slotBytes, Int(CS_UDP_MAX_MESSAGES)), 1)
        for _ in 0..<max(configuration.receivesPerWakeUp, 1) {
            guard !isClosed else { return }
            let count = unsafe cs_udp_receive(
                descriptor, loop.readBuffer.baseAddress, slotBytes, Int32(slots), messages.baseAddress)
            guard count >= 0 else {
                receiveFailed(-count)
                break
            }
            statistics.receiveCalls += 1
            for index in 0..<Int(count) {
                deliver(unsafe messages[index], at: index * slotBytes, room: slotBytes)
                guard !isClosed else { return }
            }
            // The kernel had no more: asking again would answer just that.
            if Int(count) < slots { break }
        }
        handler?.receivedAll(on: self)
    }

    private func receive(from port: any SimulatedPort) {
        for failure in port.takeFailures() { report(failure) }
        unsafe port.receive { bytes, ecn, remote in
            guard !isClosed, let handler else { return false }
            let datagrams = unsafe UDPReceived(
                bytes: bytes.bytes, segmentBytes: bytes.count, ecn: ecn, local: localAddress, remote: remote)
            statistics.receivedDatagrams += 1
            statistics.receivedBytes += bytes.count
            handler.received(datagrams, on: self)
            return !isClosed
        }
        handler?.receivedAll(on: self)
    }

    private func deliver(_ message: cs_udp_message, at offset: Int, room: Int) {
        guard message.truncated == 0 else {
            statistics.truncatedDatagrams += 1
            return
        }
        guard let handler, let remote = InternetAddress(message.remote) ?? connectedTo else { return }
        var local = InternetAddress(message.local) ?? localAddress
        local.port = localAddress.port
        let length = min(Int(message.length), room)
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: loop.readBuffer[offset..<offset + length])
        let datagrams = unsafe UDPReceived(
            bytes: bytes.bytes, segmentBytes: Int(message.segment), ecn: ECN(rawValue: message.ecn) ?? .notCapable,
            local: local, remote: remote)
        statistics.receivedDatagrams += datagrams.count
        statistics.receivedBytes += length
        handler.received(datagrams, on: self)
    }

    private func receiveFailed(_ errno: Int32) {
        switch errno {
        case EAGAIN, EINTR: return
        default:
            // With an error queue, what the call reports is told there, and with the peer's address.
            if hasErrorQueue { takeErrors() } else { report(UDPFailure(errno: errno, remote: connectedTo, mtu: nil)) }
        }
    }

    private func takeErrors() {
        // Bounded, as what the network sends fills the queue.
        var isEmpty = true
        for _ in 0..<16 {
            var error = cs_udp_error()
            guard !isClosed, unsafe cs_udp_take_error(descriptor, &error) >= 0 else { break }
            isEmpty = false
            guard error.error != 0 else { continue }
            let remote = InternetAddress(error.remote) ?? connectedTo
            let mtu = error.error == EMSGSIZE && error.mtu > 0 ? Int(error.mtu) : nil
            report(UDPFailure(errno: error.error, remote: remote, mtu: mtu))
        }
        guard !isClosed else { return }
        // The copy that the kernel keeps for the next call; the queue has told it already, if there is one.
        let pending = cs_socket_error(descriptor)
        if isEmpty, pending != 0 { report(UDPFailure(errno: pending, remote: connectedTo, mtu: nil)) }
    }
}
