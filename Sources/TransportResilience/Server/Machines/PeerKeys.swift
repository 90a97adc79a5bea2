internal import NodeTransport

/// An IP address as admission counts it: all of IPv4, the first 64 bits of IPv6, of which one host may have the rest.
enum AddressKey: Hashable {
    case v4(UInt32)
    case v6(UInt64)

    /// `nil` for a peer without an IP address.
    init?(_ endpoint: Endpoint) {
        guard case .hostPort(let host, _) = endpoint.address else { return nil }
        switch host {
        case .ipv4(let text):
            guard let address = Self.ipv4(text.utf8) else { return nil }
            self = .v4(address)
        case .ipv6(let text):
            guard let groups = Self.ipv6(text) else { return nil }
            // An IPv4 address in IPv6's clothes, as a socket for both shows it (RFC 4291 §2.5.5.2).
            if groups[0..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xffff {
                self = .v4(UInt32(groups[6]) << 16 | UInt32(groups[7]))
            } else {
                self = .v6(groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) })
            }
        case .name: return nil
        }
    }

    private static func ipv4(_ text: some Sequence<UInt8>) -> UInt32? {
        var (address, part, digits, parts): (UInt32, UInt32, Int, Int) = (0, 0, 0, 1)
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts < 4 else { return nil }
                address = address << 8 | part
                (part, digits, parts) = (0, 0, parts + 1)
            } else {
                guard (0x30...0x39).contains(byte), digits < 3 else { return nil }
                part = part * 10 + UInt32(byte - 0x30)
                digits += 1
                guard part <= 255 else { return nil }
            }
        }
        return digits > 0 && parts == 4 ? address << 8 | part : nil
    }

    /// The eight groups (RFC 4291 §2.2), without the zone.
    private static func ipv6(_ text: String) -> [UInt16]? {
        guard let address = text.split(separator: "%", omittingEmptySubsequences: false).first else { return nil }
        var (groups, gap): ([UInt16], Int?) = ([], nil)
        var parts = address.split(separator: ":", omittingEmptySubsequences: false)
        // A gap at an end makes two empty parts there.
        if address.hasPrefix("::") { parts.removeFirst() }
        if address.hasSuffix("::") { parts.removeLast() }
        for part in parts {
            if part.isEmpty {
                guard gap == nil else { return nil }
                gap = groups.count
            } else if part.utf8.contains(UInt8(ascii: ".")) {
                guard let low = ipv4(part.utf8) else { return nil }
                groups += [UInt16(truncatingIfNeeded: low >> 16), UInt16(truncatingIfNeeded: low)]
            } else {
                guard let group = UInt16(part, radix: 16) else { return nil }
                groups.append(group)
            }
        }
        guard groups.count <= 8, gap != nil || groups.count == 8 else { return nil }
        if let gap { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap) }
        return groups
    }
}

/// An identity as admission counts it.
enum IdentityCountKey: Hashable {
    case publicKey(Fingerprint)
    case name(PeerName)

    init(_ peer: PeerIdentity, by key: IdentityKey) {
        switch key {
        case .publicKey: self = .publicKey(peer.publicKeyFingerprint)
        case .name:
            let isURI: (PeerName) -> Bool = { if case .uri = $0 { true } else { false } }
            let isDNS: (PeerName) -> Bool = { if case .dns = $0 { true } else { false } }
            let name = peer.names.first(where: isURI) ?? peer.names.first(where: isDNS)
            self = name.map(Self.name) ?? .publicKey(peer.publicKeyFingerprint)
        }
    }
}
