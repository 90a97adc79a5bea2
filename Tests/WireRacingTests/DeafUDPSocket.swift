import ForeignPeers
import Glibc

/// A UDP socket on the loopback that takes packets and never answers.
final class DeafUDPSocket: Sendable {
    struct Failure: Error {}

    private let descriptor: Int32

    init(port: Int) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        let isBound = withUnsafePointer(to: address) { [descriptor] in
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            throw Failure()
        }
    }

    deinit { close(descriptor) }

    /// Returns when a packet has come; false when none comes within a minute.
    func waitForPacket() async -> Bool {
        // Whoever is to send the packet may need the threads of the pool.
        await blocking { [self] in
            var descriptor = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&descriptor, 1, 60_000) == 1
        }
    }
}
