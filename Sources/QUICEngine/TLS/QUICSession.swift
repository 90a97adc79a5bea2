package import NodeTransport

/// What a client needs to resume with a server: the TLS session, the transport parameters that early data
/// goes by, and the chain that the server presented, which is judged again before it is relied on.
package struct QUICSession: Sendable, Hashable {
    let ticket: Bytes
    let parameters: Bytes
    package let presentedChain: [Bytes]
    /// Whether the server takes early data with it, as far as it has said.
    package let allowsEarlyData: Bool

    /// The first byte: with early data, and without.
    private static let formats: (early: UInt8, plain: UInt8) = (3, 2)

    init(ticket: Bytes, parameters: Bytes, presentedChain: [Bytes], allowsEarlyData: Bool) {
        self.allowsEarlyData = allowsEarlyData
        self.ticket = ticket
        self.parameters = parameters
        self.presentedChain = presentedChain
    }

    /// How long ``serialized`` is.
    package var serializedBytes: Int {
        ([ticket, parameters] + presentedChain).reduce(1) { $0 + $1.count + 4 }
    }

    /// The session in bytes. They contain secrets: keep them as you keep a key.
    package var serialized: Bytes {
        let parts = [ticket, parameters] + presentedChain
        var builder = BytesBuilder(capacity: serializedBytes)
        builder.append(allowsEarlyData ? Self.formats.early : Self.formats.plain)
        for part in parts {
            builder.append(bigEndian: UInt32(truncatingIfNeeded: part.count))
            builder.append(part)
        }
        return builder.finish()
    }

    /// The session in what ``serialized`` answered; nil for anything else.
    package init?(serialized: Bytes) {
        guard let format = serialized.first, format == Self.formats.early || format == Self.formats.plain else {
            return nil
        }
        var parts: [Bytes] = []
        var position = 1
        while position < serialized.count {
            guard serialized.count - position >= 4, parts.count < 64 else { return nil }
            let count = serialized.slice(position..<position + 4).reduce(0) { $0 << 8 | Int($1) }
            position += 4
            guard count <= serialized.count - position else { return nil }
            parts.append(serialized.slice(position..<position + count))
            position += count
        }
        guard parts.count >= 2 else { return nil }
        self.init(
            ticket: parts[0], parameters: parts[1], presentedChain: Array(parts[2...]),
            allowsEarlyData: format == Self.formats.early)
    }
}
