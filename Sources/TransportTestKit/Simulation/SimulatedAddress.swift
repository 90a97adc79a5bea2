/// Where a datagram comes from or goes to in a ``SimulatedNetwork``: a host's number and a port.
///
/// Engines that speak in the addresses of the operating system get a fixed translation: host *n* is 10.x.y.z with *n* in
/// its lower 24 bits, or fd00::n.
public struct SimulatedAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 1...16,777,215; other numbers are taken modulo 2²⁴.
    public let host: UInt32
    public let port: UInt16

    public init(host: UInt32, port: UInt16) {
        self.host = host & 0xff_ffff
        self.port = port
    }

    /// Reads what ``ipv4SocketAddress`` or ``ipv6SocketAddress`` wrote; `nil` for other bytes.
    public init?(socketAddress bytes: [UInt8]) {
        guard bytes.count == 16 || bytes.count == 28 else { return nil }
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        // The host is where the address ends, in both forms.
        let end = bytes.count == 16 ? 8 : 24
        let host = bytes[end - 3..<end].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        self.init(host: host, port: port)
        guard bytes == ipv4SocketAddress || bytes == ipv6SocketAddress else { return nil }
    }

    /// The 16 bytes of a `sockaddr_in` as Linux has it.
    public var ipv4SocketAddress: [UInt8] {
        family(2) + portBytes + [10] + hostBytes + [UInt8](repeating: 0, count: 8)
    }

    /// The 28 bytes of a `sockaddr_in6` as Linux has it.
    public var ipv6SocketAddress: [UInt8] {
        let zeros = [UInt8](repeating: 0, count: 12)
        return family(10) + portBytes + zeros[..<4] + [0xfd] + zeros + hostBytes + zeros[..<4]
    }

    public var description: String { "10.\(host >> 16).\(host >> 8 & 0xff).\(host & 0xff):\(port)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }

    private func family(_ number: UInt16) -> [UInt8] { unsafe withUnsafeBytes(of: number) { unsafe Array($0) } }
    private var portBytes: [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff)] }
    private var hostBytes: [UInt8] { [UInt8(host >> 16), UInt8(host >> 8 & 0xff), UInt8(host & 0xff)] }
}
