internal import Glibc
internal import Synchronization

/// There is no free port where tests look for one.
package struct NoFreePort: Error {}

/// A port on 127.0.0.1 that nobody has just now, neither for TCP nor for UDP: for a program that cannot choose one itself, for
/// a server that comes back at its own, and for two wires at one port.
///
/// It is below those that the system gives to whoever asks for any (`net.ipv4.ip_local_port_range` begins with 32768), so
/// nobody gets it before it is used, or while its server is away: nor do other tests, for each port is given once.
package func freePort() throws -> Int {
    for _ in 0..<100 {
        let number = next.add(1, ordering: .relaxed).oldValue
        let port = UInt16(10_000 + number % 22_000)
        if isFree(port, SOCK_STREAM), isFree(port, SOCK_DGRAM) { return Int(port) }
    }
    throw NoFreePort()
}

/// Begins somewhere, as other processes may look for ports too.
private let next = Atomic(Int.random(in: 0..<22_000))

private func isFree(_ port: UInt16, _ type: __socket_type) -> Bool {
    let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
