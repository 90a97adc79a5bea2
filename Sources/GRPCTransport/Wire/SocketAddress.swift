internal import CSystem
internal import Glibc
internal import EventLoops
internal import NodeTransport

/// An IPv4, IPv6 or Unix address as the kernel takes it.
struct SocketAddress: Sendable {
    private(set) var storage: sockaddr_storage
    private(set) var length: socklen_t

    init(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    var family: Int32 { Int32(storage.ss_family) }

    var isUnix: Bool { family == AF_UNIX }

    /// Calls `body` with the address in the form of the socket calls.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }

    /// The address as an endpoint of gRPC; `fallback` for an address without a name, as clients of Unix sockets have.
    func endpoint(fallback: Endpoint) -> Endpoint {
        var host = [CChar](repeating: 0, count: 64)
        let port = unsafe withUnsafePointer(to: storage) { unsafe cs_format_ip($0, &host, host.count) }
        guard port >= 0 else { return fallback }
        let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let address: Endpoint.Host = family == AF_INET ? .ipv4(text) : .ipv6(text)
        return Endpoint(scheme: .grpc, address: .hostPort(address, port: Int(port)))
    }

    /// The addresses of `endpoint`, in the order to try them. Looks names up, off the caller's executor.
    static func resolve(_ endpoint: Endpoint) async throws -> [SocketAddress] {
        switch (endpoint.scheme, endpoint.address) {
        case (.grpc, .hostPort(.name(let name), let port)), (.dns, .hostPort(.name(let name), let port)):
            return try await lookUp(name, port: port, endpoint)
        case (.grpc, .hostPort(_, let port)), (.dns, .hostPort(_, let port)):
            var storage = sockaddr_storage()
            let length = unsafe cs_parse_ip(endpoint.host ?? "", UInt16(truncatingIfNeeded: port), &storage)
            guard length > 0 else {
                throw TransportError(
                    .invalidArgument, "no such network interface", origin: .library, endpoint: endpoint)
            }
            return [SocketAddress(storage: storage, length: length)]
        case (.unix, .path(let path)):
            var storage = sockaddr_storage()
            let length = unsafe cs_unix_address(path, &storage)
            guard length > 0 else {
                throw TransportError(.invalidArgument, "the socket's path is too long", endpoint: endpoint)
            }
            return [SocketAddress(storage: storage, length: length)]
        default:
            throw TransportError(
                .invalidArgument, "gRPC over HTTP/2 takes grpc://, dns:/// and unix:// endpoints", endpoint: endpoint)
        }
    }

    /// Blocks its thread in the resolver, so it runs on the global pool.
    @concurrent
    private static func lookUp(_ name: String, port: Int, _ endpoint: Endpoint) async throws -> [SocketAddress] {
        var storages = [sockaddr_storage](repeating: sockaddr_storage(), count: 16)
        var lengths = [socklen_t](repeating: 0, count: 16)
        let count = unsafe cs_resolve(name, UInt16(truncatingIfNeeded: port), &storages, &lengths, 16)
        guard count > 0 else {
            let reason = count == 0 ? "no address" : unsafe String(cString: cs_resolve_error(count))
            throw TransportError(
                .unavailable, "\"\(name)\" could not be looked up: \(reason)", origin: .library,
                processing: .notProcessed, endpoint: endpoint)
        }
        return (0..<Int(count)).map { SocketAddress(storage: storages[$0], length: lengths[$0]) }
    }
}
