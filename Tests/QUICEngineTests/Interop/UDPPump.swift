import Glibc
import NodeTransport
import QUICEngine

/// Moves datagrams between one endpoint and one UDP socket on the loopback; blocks its thread.
final class UDPPump {
    struct Failure: Error { let call: String }

    let node: Node
    private let socketHandle: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(_ makeEndpoint: () throws -> QUICEndpoint, behaviour: Node.Behaviour) throws {
        let handle = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        socketHandle = handle
        guard handle >= 0, let any = QUICAddress("127.0.0.1", port: 0) else { throw Failure(call: "socket") }
        let isBound = any.withSockaddr { bytes in
            bind(handle, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
        }
        guard isBound else { throw Failure(call: "bind") }
        var storage = sockaddr_in()
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutableBytes(of: &storage) { bytes -> QUICAddress? in
            _ = getsockname(handle, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &count)
            return QUICAddress(sockaddr: UnsafeRawBufferPointer(bytes))
        }
        guard let bound else { throw Failure(call: "getsockname") }
        node = Node(try makeEndpoint(), bound, behaviour)
    }

    deinit {
        close(socketHandle)
        buffer.deallocate()
    }

    var now: QUICTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Pumps until `condition` holds; false when it does not within `limit`.
    @discardableResult
    func run(for limit: QUICTime = .seconds(120), until condition: () -> Bool) -> Bool {
        let end = now + limit
        while true {
            node.takeEvents()
            send()
            node.takeEvents()
            if condition() { return true }
            let time = now
            if time >= end { return false }
            // At least every 20 ms the condition is looked at: it may depend on another thread.
            let wait = min((node.endpoint.nextDeadline ?? .max).subtractingSaturated(time), end - time, 20_000_000)
            var descriptor = pollfd(fd: socketHandle, events: Int16(POLLIN), revents: 0)
            _ = poll(&descriptor, 1, Int32((wait + 999_999) / 1_000_000))
            receive()
            node.endpoint.handleTimeout(now: now)
        }
    }

    private func send() {
        while let transmit = node.endpoint.pollTransmit(into: buffer, now: now) {
            var start = 0
            while start < transmit.byteCount {
                let end = min(start + transmit.segmentBytes, transmit.byteCount)
                transmit.path.remote.withSockaddr { address in
                    _ = sendto(
                        socketHandle, buffer.baseAddress.map { $0 + start }, end - start, 0,
                        address.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
                }
                start = end
            }
        }
    }

    private func receive() {
        while true {
            var storage = sockaddr_in()
            var count = socklen_t(MemoryLayout<sockaddr_in>.size)
            let received = withUnsafeMutableBytes(of: &storage) { bytes in
                recvfrom(
                    socketHandle, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT),
                    bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &count)
            }
            guard received >= 0 else { return }
            let remote = withUnsafeBytes(of: &storage) { QUICAddress(sockaddr: $0) }
            guard let remote else { continue }
            node.endpoint.receive(
                UnsafeRawBufferPointer(rebasing: buffer[..<received]), segmentBytes: received,
                path: QUICPath(local: node.address, remote: remote), now: now)
            node.takeEvents()
        }
    }
}

extension UInt64 {
    func subtractingSaturated(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
