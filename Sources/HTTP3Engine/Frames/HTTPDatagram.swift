package import NodeTransport

/// An HTTP datagram in a QUIC DATAGRAM frame (RFC 9297 §2.1): the quarter stream ID, then the payload.
package struct HTTPDatagram {
    /// The request's stream.
    package let stream: Int64
    package let payload: Bytes

    /// Reads a QUIC datagram; nil when it has no valid quarter stream ID, which is H3_DATAGRAM_ERROR for the connection.
    package init?(_ datagram: Bytes) {
        // 2^60 is the first value that stands for no stream.
        guard let (quarter, length) = VariableInteger.read(datagram.bytes, at: 0), quarter < 1 << 60 else { return nil }
        stream = Int64(quarter) * 4
        payload = datagram.slice(length..<datagram.count)
    }

    /// What goes before the payload of datagrams of `stream`: 1 to 8 bytes, or nil when that is no request stream.
    package static func prefix(stream: Int64) -> Bytes? {
        guard stream >= 0, stream & 3 == 0 else { return nil }
        var prefix: [UInt8] = []
        VariableInteger.append(UInt64(stream / 4), to: &prefix)
        return Bytes(prefix)
    }
}
