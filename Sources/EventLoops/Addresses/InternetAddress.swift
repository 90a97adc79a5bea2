internal import CSystem
internal import Glibc

/// An IPv4 or IPv6 address with a port: a plain value that copies, compares and hashes without touching memory elsewhere.
///
/// An IPv4 address in the IPv6 notation (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2), which is how a dual-stack socket
/// reports IPv4 peers, becomes the IPv4 address: a peer has one value, whatever socket it came through.
package struct InternetAddress: Sendable, Hashable {
    package enum Family: UInt8, Sendable, Hashable {
        case ipv4
        case ipv6
    }

    package let family: Family
    /// The upper half of an IPv6 address; 0 for IPv4.
    @usableFromInline let high: UInt64
    /// The lower half of an IPv6 address; the IPv4 address.
    @usableFromInline let low: UInt64
    /// The interface of a link-local IPv6 address, otherwise 0.
    package let scope: UInt32
    package var port: UInt16

    @inlinable
    package static func == (left: Self, right: Self) -> Bool {
        left.low == right.low && left.port == right.port && left.high == right.high && left.family == right.family
            && left.scope == right.scope
    }

    private init(family: Family, high: UInt64, low: UInt64, scope: UInt32, port: UInt16) {
        self.family = family
        self.high = high
        self.low = low
        self.scope = scope
        self.port = port
    }

    /// An IPv4 address, the first octet in the highest byte.
    package init(ipv4 address: UInt32, port: UInt16) {
        self.init(family: .ipv4, high: 0, low: UInt64(address), scope: 0, port: port)
    }

    /// An IPv6 address, the first octet in the highest byte of `high`; an IPv4 one when it is mapped.
    package init(ipv6 high: UInt64, _ low: UInt64, scope: UInt32 = 0, port: UInt16) {
        if high == 0, low >> 32 == 0xffff {
            self.init(ipv4: UInt32(truncatingIfNeeded: low), port: port)
        } else {
            self.init(family: .ipv6, high: high, low: low, scope: scope, port: port)
        }
    }

    /// Parses a numeric address, with an optional `%zone` for IPv6; `nil` when `text` is none or names no interface.
    package init?(_ text: String, port: UInt16) {
        var storage = sockaddr_storage()
        guard unsafe cs_parse_ip(text, port, &storage) > 0 else { return nil }
        self.init(storage)
    }

    /// The address that the kernel wrote; `nil` for another family.
    init?(_ storage: sockaddr_storage) {
        var address = cs_ip()
        guard unsafe withUnsafePointer(to: storage, { unsafe cs_ip_get($0, &address) }) == 0 else { return nil }
        self.init(address)
    }

    /// `nil` where the kernel left the address out.
    init?(_ address: cs_ip) {
        switch Int32(address.family) {
        case AF_INET: self.init(ipv4: UInt32(truncatingIfNeeded: address.low), port: address.port)
        case AF_INET6: self.init(ipv6: address.high, address.low, scope: address.scope, port: address.port)
        default: return nil
        }
    }

    /// All addresses of the machine.
    package static func any(_ family: Family, port: UInt16 = 0) -> InternetAddress {
        switch family {
        case .ipv4: InternetAddress(ipv4: 0, port: port)
        case .ipv6: InternetAddress(ipv6: 0, 0, port: port)
        }
    }

    /// This machine, without a network.
    package static func loopback(_ family: Family, port: UInt16 = 0) -> InternetAddress {
        switch family {
        case .ipv4: InternetAddress(ipv4: 0x7f00_0001, port: port)
        case .ipv6: InternetAddress(ipv6: 0, 1, port: port)
        }
    }

    /// Whether the address stands for all addresses of the machine.
    package var isAny: Bool { high == 0 && low == 0 }

    /// The IPv4 address, the first octet in the highest byte; `nil` for IPv6.
    package var ipv4Bits: UInt32? { family == .ipv4 ? UInt32(truncatingIfNeeded: low) : nil }

    /// The form that the C functions take.
    var cAddress: cs_ip {
        cs_ip(
            high: high, low: low, scope: scope, port: port, family: UInt16(family == .ipv4 ? AF_INET : AF_INET6))
    }

    /// The address as text, without the port.
    package var host: String {
        var text = [CChar](repeating: 0, count: 64)
        var storage = sockaddr_storage()
        let address = cAddress
        _ = unsafe withUnsafePointer(to: address) { unsafe cs_ip_put($0, 0, &storage) }
        _ = unsafe cs_format_ip(&storage, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension InternetAddress: CustomStringConvertible {
    package var description: String { family == .ipv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}
