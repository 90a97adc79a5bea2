/// The few encodings of ASN.1 (X.690) that certificates' extensions need.
package enum DER {
    /// A value of any kind under its tag.
    package static func value(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = contents.count
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        if contents.count < 0x80 { return [tag, UInt8(truncatingIfNeeded: contents.count)] + contents }
        return [tag, 0x80 | UInt8(truncatingIfNeeded: length.count)] + length + contents
    }

    package static func sequence(_ elements: [[UInt8]]) -> [UInt8] { value(0x30, elements.flatMap { $0 }) }

    package static let null: [UInt8] = [0x05, 0x00]

    /// `true`; what is false is left out in DER.
    package static let yes: [UInt8] = [0x01, 0x01, 0xff]

    package static func integer(_ number: UInt32) -> [UInt8] {
        var bytes = (0..<4).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
        while bytes.count > 1, bytes[0] == 0, bytes[1] < 0x80 { bytes.removeFirst() }
        if bytes[0] >= 0x80 { bytes.insert(0, at: 0) }
        return value(0x02, bytes)
    }

    /// Bits counted from the left of the first byte, as key usages are numbered; at most 16.
    package static func bits(_ set: some Sequence<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = [0, 0]
        for bit in set where bit < 16 { bytes[Int(bit / 8)] |= 0x80 >> (bit % 8) }
        while bytes.last == 0 { bytes.removeLast() }
        let unused = bytes.last.map { UInt8(truncatingIfNeeded: $0.trailingZeroBitCount) } ?? 0
        return value(0x03, [unused] + bytes)
    }

    /// An object identifier from its dotted form; `nil` when that is none.
    package static func identifier(_ dotted: String) -> [UInt8]? {
        let parts = dotted.split(separator: ".", omittingEmptySubsequences: false).map { UInt32($0) }
        guard parts.count >= 2, let first = parts[0], let second = parts[1], first <= 2, second < 40 else { return nil }
        var bytes = [UInt8(truncatingIfNeeded: first * 40 + second)]
        for part in parts.dropFirst(2) {
            guard var number = part else { return nil }
            var group = [UInt8(truncatingIfNeeded: number & 0x7f)]
            while number > 0x7f {
                number >>= 7
                group.insert(UInt8(truncatingIfNeeded: number & 0x7f) | 0x80, at: 0)
            }
            bytes += group
        }
        return value(0x06, bytes)
    }
}
