internal import EventLoops
internal import QUICEngine

/// The sockets' addresses as the engine has them, and back. Peers come again with every datagram, so both ways are
/// remembered, for a bounded number.
struct AddressBook {
    private static let maximumCount = 4096

    private var engines: [InternetAddress: QUICAddress] = [:]
    private var sockets: [QUICAddress: InternetAddress] = [:]
    private var last: (local: InternetAddress, remote: InternetAddress, path: QUICPath)?

    mutating func path(local: InternetAddress, remote: InternetAddress) -> QUICPath? {
        if let last, last.remote == remote, last.local == local { return last.path }
        guard let engineLocal = address(local), let engineRemote = address(remote) else { return nil }
        let path = QUICPath(local: engineLocal, remote: engineRemote)
        last = (local, remote, path)
        return path
    }

    mutating func address(_ address: InternetAddress) -> QUICAddress? {
        if let known = engines[address] { return known }
        let converted = unsafe SocketAddress.internet(address).withPointer { pointer, count in
            unsafe QUICAddress(sockaddr: UnsafeRawBufferPointer(start: pointer, count: Int(count)))
        }
        guard let converted else { return nil }
        if engines.count >= Self.maximumCount {
            engines.removeAll()
            sockets.removeAll()
        }
        engines[address] = converted
        sockets[converted] = address
        return converted
    }

    /// The address that a socket sends to; nil for one that never came from a socket.
    mutating func address(_ address: QUICAddress) -> InternetAddress? {
        if let known = sockets[address] { return known }
        let text = address.description
        guard let end = text.lastIndex(of: ":") else { return nil }
        let host = text[..<end].drop { $0 == "[" }.prefix { $0 != "]" }
        guard let converted = InternetAddress(String(host), port: address.port) else { return nil }
        if sockets.count >= Self.maximumCount { sockets.removeAll() }
        sockets[address] = converted
        return converted
    }
}
