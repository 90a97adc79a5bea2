/// The `grpc-timeout` header: at most eight digits and a unit (gRPC over HTTP/2, "Timeout").
package enum Timeout {
    private static let units: [(letter: UInt8, nanoseconds: Int64)] = [
        (UInt8(ascii: "n"), 1), (UInt8(ascii: "u"), 1_000), (UInt8(ascii: "m"), 1_000_000),
        (UInt8(ascii: "S"), 1_000_000_000), (UInt8(ascii: "M"), 60_000_000_000), (UInt8(ascii: "H"), 3_600_000_000_000),
    ]

    /// The header's value for `nanoseconds`, rounded up to what eight digits can say; never less than 1 ns.
    package static func encode(nanoseconds: Int64) -> String {
        let nanoseconds = max(nanoseconds, 1)
        for (letter, size) in units {
            let count = nanoseconds / size + (nanoseconds % size == 0 ? 0 : 1)
            if count <= 99_999_999 { return "\(count)\(Character(Unicode.Scalar(letter)))" }
        }
        return "99999999H"
    }

    /// The nanoseconds in a header's value, at most `Int64.max`; `nil` when it is malformed.
    package static func decode(_ text: String) -> Int64? {
        let bytes = text.utf8
        guard (2...9).contains(bytes.count), let letter = bytes.last,
            let unit = units.first(where: { $0.letter == letter })
        else { return nil }
        var count: Int64 = 0
        for byte in bytes.dropLast() {
            guard (0x30...0x39).contains(byte) else { return nil }
            count = count * 10 + Int64(byte - 0x30)
        }
        let (nanoseconds, isTooLarge) = count.multipliedReportingOverflow(by: unit.nanoseconds)
        return isTooLarge ? .max : nanoseconds
    }
}
