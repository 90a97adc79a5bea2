import CSystem
import EventLoops
import Glibc

/// Two connected, non-blocking Unix sockets: the loop watches `near`, the test plays the peer at `far`.
final class SocketPair: Sendable {
    let near: Int32
    let far: Int32

    init() throws {
        var descriptors: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &descriptors) == 0 else {
            throw LoopError(operation: "socketpair", errno: errno)
        }
        (near, far) = (descriptors[0], descriptors[1])
    }

    deinit {
        cs_close(near)
        cs_close(far)
    }

    /// Sends one byte from the peer.
    func send() { _ = unsafe write(far, "x", 1) }

    /// Ends the peer's sending side.
    func halfClose() { _ = shutdown(far, Int32(SHUT_WR)) }

    /// Writes from the near side until its buffer is full.
    func fill() {
        let block = [UInt8](repeating: 0, count: 65_536)
        while unsafe write(near, block, block.count) > 0 {}
    }

    /// Takes everything that the near side wrote.
    func drain() { Self.drain(far) }

    /// Takes everything that the peer sent.
    func drainNear() { Self.drain(near) }

    private static func drain(_ descriptor: Int32) {
        var block = [UInt8](repeating: 0, count: 65_536)
        while unsafe read(descriptor, &block, block.count) > 0 {}
    }
}
