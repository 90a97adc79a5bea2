internal import Glibc

/// The 4 or 16 bytes of an IP address.
struct IPAddress: Hashable {
    let bytes: [UInt8]

    /// An address in network byte order; `nil` unless there are 4 or 16 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Parses `192.0.2.7`, `2001:db8::7` or `[2001:db8::7]`; a zone (`%eth0`) is dropped.
    init?(_ text: String) {
        var address = Substring(text)
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        if let zone = address.firstIndex(of: "%"), address.contains(":") { address = address[..<zone] }
        let string = String(address)
        guard !string.utf8.contains(0) else { return nil }
        var four = [UInt8](repeating: 0, count: 4)
        if unsafe inet_pton(AF_INET, string, &four) == 1 {
            bytes = four
            return
        }
        var sixteen = [UInt8](repeating: 0, count: 16)
        guard unsafe inet_pton(AF_INET6, string, &sixteen) == 1 else { return nil }
        bytes = sixteen
    }
}

extension IPAddress: CustomStringConvertible {
    var description: String {
        var room = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &room, socklen_t(room.count)) != nil else { return "" }
        return text(of: room)
    }
}
