internal import HTTP3Engine
internal import NodeTransport

/// The request to which the datagrams of one connection belong (RFC 9297 §2).
///
/// HTTP datagrams stand beside a request. A client that sends one first asks for ``path`` on a stream that stays open;
/// the server takes datagrams for that stream, and sends its own beside it.
struct DatagramSession {
    static let path = "/node.transport.Datagrams/Open"

    let stream: Int64
    let prefix: Bytes

    init?(stream: Int64) {
        guard let prefix = HTTPDatagram.prefix(stream: stream) else { return nil }
        self.stream = stream
        self.prefix = prefix
    }

    /// What goes into a DATAGRAM frame.
    func frame(_ payload: Bytes) -> Bytes {
        var builder = BytesBuilder(capacity: prefix.count + payload.count)
        builder.append(prefix)
        builder.append(payload)
        return builder.finish()
    }

    /// The longest prefix (RFC 9000 §16).
    static let maximumPrefixBytes = 8
}
