import HTTP3Engine

/// Bytes made by hand, as a peer might send them.
enum Raw {
    static func integer(_ value: UInt64) -> [UInt8] {
        if value < 64 { return [UInt8(value)] }
        if value < 16384 { return [UInt8(value >> 8) | 0x40, UInt8(value & 255)] }
        if value < 1 << 30 {
            return [UInt8(value >> 24) | 0x80] + [16, 8, 0].map { UInt8(value >> UInt64($0) & 255) }
        }
        return [UInt8(value >> 56) | 0xc0]
            + stride(from: 48, through: 0, by: -8).map { UInt8(value >> UInt64($0) & 255) }
    }

    static func frame(_ type: UInt64, _ payload: [UInt8] = []) -> [UInt8] {
        integer(type) + integer(UInt64(payload.count)) + payload
    }

    static func data(_ text: String) -> [UInt8] { frame(0, Array(text.utf8)) }

    /// A HEADERS frame of literals: no table, no Huffman code.
    static func headers(_ fields: [(String, String)]) -> [UInt8] {
        headers(bytes: fields.map { (Array($0.0.utf8), Array($0.1.utf8)) })
    }

    static func headers(bytes fields: [([UInt8], [UInt8])]) -> [UInt8] {
        var section: [UInt8] = [0, 0]
        for (name, value) in fields {
            section += number(name.count, prefix: 3, pattern: 0x20) + name
            section += number(value.count, prefix: 7, pattern: 0) + value
        }
        return frame(1, section)
    }

    private static func number(_ value: Int, prefix: Int, pattern: UInt8) -> [UInt8] {
        let limit = 1 << prefix - 1
        guard value >= limit else { return [pattern | UInt8(value)] }
        var bytes = [pattern | UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// A HEADERS frame that refers to the first entry of the dynamic table, behind these lines (RFC 9204 §4.5): it waits
    /// until that has come.
    static func waitingHeaders(_ lines: [UInt8]) -> [UInt8] { frame(1, [2, 0] + lines + [0x80]) }

    /// `:method: GET`, `:scheme: https`, `:path: /` and `:authority: a`, by the static table.
    static let getLines: [UInt8] = [0xd1, 0xd7, 0xc1, 0x50, 1, 0x61]
    /// `:status: 200`, by the static table.
    static let okLines: [UInt8] = [0xd9]

    /// An encoder stream with that entry: its type, the capacity of 100 bytes, and `x: y`.
    static let encoderStream: [UInt8] = [2, 0x3f, 0x45, 0x41, 0x78, 0x01, 0x79]

    static let get = [
        (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "node-7.example"),
    ]

    /// The control stream of a peer without wishes.
    static let control: [UInt8] = [0] + frame(4)
}
