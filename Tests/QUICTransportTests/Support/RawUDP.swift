import Glibc
import QUICEngine

/// A UDP socket on the loopback, for one thread that may block.
final class RawUDP {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let handle: Int32
    private var isClosed = false
    let address: QUICAddress

    /// - Parameter port: 0 asks for a free one.
    init(port: UInt16 = 0) throws {
        handle = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard handle >= 0, let any = QUICAddress("127.0.0.1", port: port) else { throw Failure(description: "socket") }
        let isBound = any.withSockaddr { [handle] in
            bind(handle, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)) == 0
        }
        var storage = sockaddr_in()
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutableBytes(of: &storage) { [handle] bytes -> QUICAddress? in
            _ = getsockname(handle, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &count)
            return QUICAddress(sockaddr: UnsafeRawBufferPointer(bytes))
        }
        guard isBound, let bound else {
            Glibc.close(handle)
            throw Failure(description: "cannot bind port \(port)")
        }
        address = bound
    }

    deinit { close() }

    func close() {
        if !isClosed { Glibc.close(handle) }
        isClosed = true
    }

    /// What the kernel has no room for is lost.
    func send(_ datagram: [UInt8], to remote: QUICAddress) {
        remote.withSockaddr { address in
            _ = sendto(
                handle, datagram, datagram.count, Int32(MSG_DONTWAIT),
                address.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
        }
    }

    /// The next datagram and its sender; nil when none comes for so long.
    func receive(waiting milliseconds: Int32) -> (bytes: [UInt8], from: QUICAddress)? {
        var descriptor = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
        var storage = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { room, count in
            let received = withUnsafeMutableBytes(of: &storage) {
                recvfrom(
                    handle, room.baseAddress, room.count, Int32(MSG_DONTWAIT),
                    $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            count = max(received, 0)
        }
        guard let from = withUnsafeBytes(of: &storage, { QUICAddress(sockaddr: $0) }) else { return nil }
        return (bytes, from)
    }

    /// The places of those that have something to read; none when that takes so long.
    static func wait(for sockets: [RawUDP], milliseconds: Int32) -> [Int] {
        var descriptors = sockets.map { pollfd(fd: $0.handle, events: Int16(POLLIN), revents: 0) }
        guard poll(&descriptors, nfds_t(descriptors.count), milliseconds) > 0 else { return [] }
        return descriptors.indices.filter { descriptors[$0].revents != 0 }
    }

    static var now: QUICTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return QUICTime(time.tv_sec) * 1_000_000_000 + QUICTime(time.tv_nsec)
    }
}
