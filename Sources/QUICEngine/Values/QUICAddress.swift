internal import CNGTCP2

/// An IPv4 or IPv6 socket address: address, port, and the scope of a link-local address.
package struct QUICAddress: Sendable, Hashable {
    /// The bytes of the `sockaddr`, normalised: what does not tell addresses apart is zero.
    let raw: cngtcp2_address

    private static let v4Bytes = 16
    private static let v6Bytes = 28

    init(raw: cngtcp2_address) {
        self.raw = raw
    }

    /// The address `text` (without brackets); nil when it is none.
    package init?(_ text: String, port: UInt16) {
        var raw = cngtcp2_address()
        guard unsafe cngtcp2_parse_address(text, port, &raw) else { return nil }
        self.raw = raw
    }

    /// The address in the bytes of a `sockaddr_in` or `sockaddr_in6`; nil for any other family.
    package init?(sockaddr bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.v4Bytes else { return nil }
        let isV6 = bytes.count >= Self.v6Bytes
        var raw = cngtcp2_address()
        unsafe withUnsafeMutableBytes(of: &raw) { target in
            let used = isV6 ? Self.v6Bytes : 8
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<used]))
            // The flow label does not belong to the address.
            if isV6 { unsafe target.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self) }
        }
        raw.count = UInt32(isV6 ? Self.v6Bytes : Self.v4Bytes)
        self.raw = raw
        guard !(text?.isEmpty ?? true) else { return nil }
    }

    /// Calls `body` with the bytes as `bind`, `sendmsg` and their like take them.
    package func withSockaddr<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe withUnsafeBytes(of: raw) {
            unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<Int(min(raw.count, 28))]))
        }
    }

    package var isIPv6: Bool { raw.count == Self.v6Bytes }

    package var port: UInt16 { UInt16(truncatingIfNeeded: raw.first >> 16).byteSwapped }

    /// The same address at another port.
    package func withPort(_ port: UInt16) -> QUICAddress {
        var copy = raw
        copy.first = raw.first & ~0xffff_0000 | UInt64(port.byteSwapped) << 16
        return QUICAddress(raw: copy)
    }

    /// What limits count by: an IPv4 address, or the /64 that one IPv6 subscriber has.
    var network: UInt64 {
        isIPv6 ? raw.second : raw.first >> 32
    }

    private var text: String? {
        var raw = raw
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { room -> String? in
            guard let start = room.baseAddress, unsafe cngtcp2_format_address(&raw, start, 64) else { return nil }
            return unsafe String(cString: start)
        }
    }

    package static func == (left: QUICAddress, right: QUICAddress) -> Bool {
        left.raw.first == right.raw.first && left.raw.second == right.raw.second
            && left.raw.third == right.raw.third && left.raw.fourth == right.raw.fourth
            && left.raw.count == right.raw.count
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(raw.first)
        hasher.combine(raw.second)
        hasher.combine(raw.third)
    }
}

extension QUICAddress: CustomStringConvertible {
    package var description: String {
        let host = text ?? "?"
        return isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// Both ends of what a datagram takes.
package struct QUICPath: Sendable, Hashable {
    let raw: cngtcp2_path

    init(raw: cngtcp2_path) {
        self.raw = raw
    }

    package init(local: QUICAddress, remote: QUICAddress) {
        raw = cngtcp2_path(local: local.raw, remote: remote.raw)
    }

    package var local: QUICAddress { QUICAddress(raw: raw.local) }
    package var remote: QUICAddress { QUICAddress(raw: raw.remote) }

    package static func == (left: QUICPath, right: QUICPath) -> Bool {
        left.remote == right.remote && left.local == right.local
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(remote)
        hasher.combine(local)
    }
}
