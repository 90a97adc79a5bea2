/// Turns messages into bytes and back.
public struct Codec<Message>: Sendable {
    /// The message's bytes; may throw, which fails the call with ``StatusCode/internal``.
    public let encode: @Sendable (Message) throws -> Bytes
    /// The message in the bytes; may throw, which fails the call with ``StatusCode/internal``.
    public let decode: @Sendable (Bytes) throws -> Message

    public init(
        encode: @escaping @Sendable (Message) throws -> Bytes,
        decode: @escaping @Sendable (Bytes) throws -> Message
    ) {
        self.encode = encode
        self.decode = decode
    }
}

extension Codec where Message == Bytes {
    /// The bytes as they are.
    public static let bytes = Codec(encode: { $0 }, decode: { $0 })
}

extension Codec where Message == String {
    /// UTF-8 text; bytes that are not UTF-8 are refused.
    public static let utf8 = Codec(
        encode: { Bytes(utf8: $0) },
        decode: { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw TransportError(.invalidArgument, "the message is not UTF-8")
            }
            return text
        }
    )
}
