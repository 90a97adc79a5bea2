public import NodeTransport
public import SwiftProtobuf

extension Codec where Message: SwiftProtobuf.Message & Sendable {
    /// Protobuf's binary format.
    ///
    /// A message is written once, into the memory that the transport sends, and read in place from the memory
    /// that the transport received. Errors name the message's type. Nesting deeper than 100 levels is refused.
    public static func protobuf() -> Codec {
        Codec(
            encode: { message in
                do {
                    let output: MessageOutput = try message.serializedBytes()
                    return output.bytes
                } catch {
                    throw TransportError(.internal, "\(Message.protoMessageName) could not be encoded", cause: error)
                }
            },
            decode: { bytes in
                do {
                    return try Message(serializedBytes: bytes.bytes)
                } catch {
                    throw TransportError(
                        .internal, "\(bytes.count) bytes are not a \(Message.protoMessageName)", cause: error)
                }
            }
        )
    }
}
