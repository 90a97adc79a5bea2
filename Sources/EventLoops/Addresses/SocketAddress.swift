package import CSystem
internal import Glibc

/// Where a socket is bound or connected: an internet address or the path of a Unix domain socket.
package enum SocketAddress: Sendable, Hashable {
    case internet(InternetAddress)
    /// The path; empty for a client's socket, which has no name.
    case unix(String)

    /// The address that the kernel wrote.
    package init(storage: sockaddr_storage) {
        self = InternetAddress(storage).map { .internet($0) } ?? .unix("")
    }

    /// The path of a Unix domain socket; `nil` when it is longer than the 107 bytes that the kernel takes.
    package init?(unixPath path: String) {
        var storage = sockaddr_storage()
        guard unsafe cs_unix_address(path, &storage) > 0 else { return nil }
        self = .unix(path)
    }

    package var family: Int32 {
        switch self {
        case .internet(let address): address.family == .ipv4 ? AF_INET : AF_INET6
        case .unix: AF_UNIX
        }
    }

    package var isUnix: Bool { family == AF_UNIX }

    /// Calls `body` with the address in the form of the socket calls.
    package func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length: socklen_t
        switch self {
        case .internet(let address):
            let address = address.cAddress
            length = unsafe withUnsafePointer(to: address) { unsafe cs_ip_put($0, 0, &storage) }
        case .unix(let path):
            length = unsafe cs_unix_address(path, &storage)
        }
        return unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }

    /// Where the socket is bound.
    package static func local(of descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length: socklen_t = 0
        guard unsafe cs_local_address(descriptor, &storage, &length) >= 0 else { return nil }
        return SocketAddress(storage: storage)
    }
}
