/// HTTP/2 frames written by hand, right or wrong (RFC 9113 §4, §6).
enum Raw {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// What a client begins with.
    static let opening = preface + settings()

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
            + uint32(stream) + payload
    }

    static func data(_ stream: UInt32, _ content: [UInt8], endStream: Bool = false) -> [UInt8] {
        frame(0, flags: endStream ? 1 : 0, stream: stream, content)
    }

    static func headers(
        _ stream: UInt32, _ fields: [(String, String)], endStream: Bool = false, endHeaders: Bool = true
    ) -> [UInt8] {
        frame(1, flags: (endStream ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, block(fields))
    }

    static func continuation(_ stream: UInt32, _ fragment: [UInt8]) -> [UInt8] { frame(9, stream: stream, fragment) }

    static func settings(_ parameters: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(4, parameters.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + uint32($0.1) })
    }

    static let settingsAcknowledgement = frame(4, flags: 1)
    static let maximumConcurrentStreams: UInt16 = 3

    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, stream: stream, uint32(code)) }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] {
        frame(8, stream: stream, uint32(increment))
    }

    static let ping = frame(6, [1, 2, 3, 4, 5, 6, 7, 8])

    static func goAway(_ last: UInt32, _ code: UInt32) -> [UInt8] { frame(7, uint32(last) + uint32(code)) }

    /// A gRPC message with its prefix.
    static func message(_ content: [UInt8]) -> [UInt8] { [0] + uint32(UInt32(content.count)) + content }

    /// A header block of literals without indexing and without Huffman code; names and values below 127 bytes.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        var block: [UInt8] = []
        for (name, value) in fields {
            block += [0, UInt8(name.utf8.count)]
            block += name.utf8
            block += [UInt8(value.utf8.count)]
            block += value.utf8
        }
        return block
    }

    /// A whole answer to a unary call.
    static func answer(_ stream: UInt32, _ content: [UInt8]) -> [UInt8] {
        headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            + data(stream, message(content)) + headers(stream, [("grpc-status", "0")], endStream: true)
    }

    static let request = request(to: "/echo.Echo/Unary")

    static func request(to path: String) -> [(String, String)] {
        [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ]
    }

    static func uint32(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}

/// One frame as it arrived.
struct RawFrame: Sendable, CustomStringConvertible {
    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
    }

    let type: UInt8
    let flags: UInt8
    let stream: UInt32
    let payload: [UInt8]

    /// The error code of RST_STREAM or GOAWAY.
    var errorCode: UInt32? {
        switch type {
        case Kind.reset: uint32(at: 0)
        case Kind.goAway: uint32(at: 4)
        default: nil
        }
    }

    var isAcknowledgement: Bool { flags & 1 == 1 }

    var description: String { "type \(type) flags \(flags) stream \(stream) payload \(payload.prefix(80))" }

    private func uint32(at offset: Int) -> UInt32? {
        guard payload.count >= offset + 4 else { return nil }
        return payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// Cuts what arrives on a socket into frames.
struct FrameReader: Sendable {
    let socket: RawSocket
    private var buffer: [UInt8] = []

    init(_ socket: RawSocket) { self.socket = socket }

    /// Takes the preface that a client sends.
    mutating func readPreface() throws {
        while buffer.count < Raw.preface.count {
            guard let bytes = try socket.receive() else { throw RawSocket.Failure(description: "no preface came") }
            buffer += bytes
        }
        buffer.removeFirst(Raw.preface.count)
    }

    /// The next frame; `nil` when the peer has closed.
    mutating func next() throws -> RawFrame? {
        while true {
            if buffer.count >= 9 {
                let length = Int(buffer[0]) << 16 | Int(buffer[1]) << 8 | Int(buffer[2])
                if buffer.count >= 9 + length {
                    defer { buffer.removeFirst(9 + length) }
                    return RawFrame(
                        type: buffer[3], flags: buffer[4],
                        stream: buffer[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
                        payload: Array(buffer[9..<9 + length]))
                }
            }
            guard let bytes = try socket.receive() else { return nil }
            buffer += bytes
        }
    }

    /// The next frame of `type`, those before it dropped; `nil` when the peer has closed.
    mutating func next(_ type: UInt8) throws -> RawFrame? {
        while let frame = try next() {
            if frame.type == type { return frame }
        }
        return nil
    }
}
