internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix

/// The transport's own bytes as messages: nothing is copied, and no protobuf weighs on what is measured.
typealias Message = GRPCNIOTransportBytes

struct MessageCodec: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes {
        if let same = message as? Bytes { return same }
        return message.withUnsafeBytes { Bytes($0) }
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
        if let same = bytes as? Message { return same }
        return bytes.withUnsafeBytes { Message($0) }
    }
}

enum Echo {
    static let unary = method("Unary")
    static let serverStream = method("ServerStream")
    static let clientStream = method("ClientStream")
    static let bidi = method("Bidi")

    private static func method(_ name: String) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: "echo.Echo", method: name)
    }
}

extension GRPCNIOTransportBytes {
    /// A number of up to eight bytes, big-endian, at the front.
    func number(byteCount: Int) -> Int {
        withUnsafeBytes { $0.prefix(byteCount).reduce(0) { $0 << 8 | Int($1) } }
    }

    var count: Int { withUnsafeBytes { $0.count } }
}

func bigEndian(_ value: Int, byteCount: Int) -> [UInt8] {
    (0..<byteCount).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
