/// Whether text is an IP address, without asking the operating system.
package enum IPAddressSyntax {
    /// Four decimal numbers within 0...255 without leading zeros (RFC 6943 §3.1.1, the strict form).
    package static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && (part.count == 1 || !part.hasPrefix("0")) && (Int(part) ?? 256) <= 255
            }
    }

    /// The text forms of RFC 4291 §2.2, with an optional zone (RFC 4007 §11).
    package static func isIPv6(_ text: some StringProtocol) -> Bool {
        let zoned = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = zoned.first, zoned.count == 1 || !zoned[1].isEmpty else { return false }
        var groups = address.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        // "::" at an end makes two empty parts there; keep one for the gap.
        if address.hasPrefix("::") { groups.removeFirst() }
        if address.hasSuffix("::") { groups.removeLast() }
        let gaps = groups.count { $0.isEmpty }
        // An empty part that no "::" made is a stray colon.
        guard gaps <= 1, !groups.isEmpty, gaps == 0 || address.contains("::") else { return false }
        var width = 0
        for (index, group) in groups.enumerated() where !group.isEmpty {
            if index == groups.count - 1, group.contains(".") {
                guard isIPv4(group) else { return false }
                width += 2
            } else {
                guard group.utf8.count <= 4, group.utf8.allSatisfy(isHexDigit) else { return false }
                width += 1
            }
        }
        return gaps == 1 ? width <= 7 : width == 8
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}
