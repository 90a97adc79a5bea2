/// Frames written by hand, valid or not.
enum Raw {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        uint24(payload.count) + [type, flags] + uint32(stream) + payload
    }

    static func data(
        _ stream: UInt32, _ content: [UInt8], endStream: Bool = false, padding: Int? = nil
    ) -> [UInt8] {
        let flags: UInt8 = (endStream ? 1 : 0) | (padding == nil ? 0 : 8)
        let payload = padding.map { [UInt8($0)] + content + [UInt8](repeating: 0, count: $0) } ?? content
        return frame(0, flags: flags, stream: stream, payload)
    }

    static func headers(
        _ stream: UInt32, _ fields: [(String, String)], endStream: Bool = false, endHeaders: Bool = true
    ) -> [UInt8] {
        frame(1, flags: (endStream ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, block(fields))
    }

    static func continuation(_ stream: UInt32, _ fragment: [UInt8], endHeaders: Bool) -> [UInt8] {
        frame(9, flags: endHeaders ? 4 : 0, stream: stream, fragment)
    }

    static func settings(_ parameters: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(4, parameters.flatMap { uint16($0.0) + uint32($0.1) })
    }

    static let settingsAcknowledgement = frame(4, flags: 1)

    static func reset(_ stream: UInt32, _ code: UInt32) -> [UInt8] { frame(3, stream: stream, uint32(code)) }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] {
        frame(8, stream: stream, uint32(increment))
    }

    static func ping(_ payload: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8], acknowledge: Bool = false) -> [UInt8] {
        frame(6, flags: acknowledge ? 1 : 0, payload)
    }

    static func goAway(_ last: UInt32, _ code: UInt32, debug: String = "") -> [UInt8] {
        frame(7, uint32(last) + uint32(code) + Array(debug.utf8))
    }

    /// A header block of literals without indexing and without Huffman code.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + string(Array(name.utf8)) + string(Array(value.utf8)) }
    }

    /// An HPACK string literal without Huffman code.
    static func string(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
        var prefix: [UInt8] = [127]
        var rest = bytes.count - 127
        while rest >= 128 {
            prefix.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return prefix + [UInt8(rest)] + bytes
    }

    static let request: [(String, String)] = [
        (":method", "POST"), (":scheme", "http"), (":path", "/ledger.PoH/Challenge"), (":authority", "node"),
        ("content-type", "application/grpc"), ("te", "trailers"),
    ]

    static let response: [(String, String)] = [(":status", "200"), ("content-type", "application/grpc")]

    static func uint16(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    static func uint24(_ value: Int) -> [UInt8] {
        [UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
    static func uint32(_ value: UInt32) -> [UInt8] { uint16(UInt16(value >> 16)) + uint16(UInt16(value & 0xffff)) }
}

/// A frame cut out of an engine's output.
struct ParsedFrame: Equatable, CustomStringConvertible {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    var description: String { "type \(type) flags \(flags) stream \(stream) payload \(payload.prefix(24))" }

    /// The big-endian number at `offset` of the payload.
    func uint32(at offset: Int) -> UInt32 {
        payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// All frames in `bytes`, which hold nothing but whole frames, behind a preface if there is one.
    static func parse(_ bytes: [UInt8]) -> [ParsedFrame] {
        var rest = bytes[...]
        if rest.starts(with: Raw.preface) { rest = rest.dropFirst(Raw.preface.count) }
        var frames: [ParsedFrame] = []
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let payload = Array(rest.dropFirst(9).prefix(length))
            frames.append(ParsedFrame(type: head[3], flags: head[4], stream: stream, payload: payload))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }
}
