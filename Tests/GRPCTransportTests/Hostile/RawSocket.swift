import ForeignPeers
import Foundation
import Glibc
import NodeTransport

/// A blocking TCP socket with which a test plays a peer that has no manners. Its calls are made in ``blocking(_:)``.
final class RawSocket: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How long one waits for a peer: a test that waits in vain fails instead of hanging.
    fileprivate static let patienceSeconds = 60

    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
    }

    /// Connects to a port of this machine.
    convenience init(to endpoint: Endpoint) throws {
        self.init(descriptor: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = RawSocket.loopback(port: endpoint.port ?? 0)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Failure(description: "connect: errno \(errno)") }
    }

    deinit { Glibc.close(descriptor) }

    static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    /// Sends all of `bytes`; false when the peer has closed.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = Glibc.send(
                    descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// What has arrived, at least one byte; `nil` when the peer has closed.
    func receive() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { return Array(buffer[..<count]) }
        if count < 0, errno == EAGAIN {
            throw Failure(description: "the peer has sent nothing for \(Self.patienceSeconds) seconds")
        }
        return nil
    }

    /// Has the socket's end, when nobody holds it any more, be a reset.
    func endWithReset() {
        var noTime = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &noTime, socklen_t(MemoryLayout<linger>.size))
    }

    /// Sends nothing more.
    func closeWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Everything up to the peer's end.
    func drain() throws -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = try receive() { all += bytes }
        return all
    }
}

/// A TCP port of a test that plays a server.
final class RawListener: Sendable {
    let endpoint: Endpoint
    private let descriptor: Int32

    init() throws {
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: RawSocket.patienceSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = RawSocket.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, size) = (descriptor, length)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) + listen(descriptor, 64) + getsockname(descriptor, $0, &length)
            }
        }
        guard code == 0 else { throw RawSocket.Failure(description: "listening failed: errno \(errno)") }
        endpoint = try Endpoint(parsing: "grpc://127.0.0.1:\(in_port_t(bigEndian: address.sin_port))")
    }

    deinit { Glibc.close(descriptor) }

    func accept() throws -> RawSocket {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw RawSocket.Failure(description: "nobody has connected: errno \(errno)") }
        return RawSocket(descriptor: accepted)
    }
}
