internal import NodeTransport

/// What our tickets hold beside OpenSSL's part: the client's certificates as they were validated, and for how long they are.
///
/// A byte for the version, the two ends of the validity in seconds since 1970 (eight bytes each), and then for each certificate
/// its length in two bytes and its DER; big-endian. OpenSSL encrypts and authenticates it with the rest, under keys that
/// belong to one ``TLSContext``, so what comes back was accepted by the very same trust.
struct TicketContents: Equatable {
    var validity: CertificateVerifier.Validity

    /// Leaf first; empty for a client that has shown no certificate.
    var chain: [Bytes]

    /// A ticket has room for 64 KiB, and a client sends it with every connection.
    static let maximumBytes = 12 << 10

    init(validity: CertificateVerifier.Validity, chain: [Bytes]) {
        self.validity = validity
        self.chain = chain
    }

    /// Empty when there is no room: such a ticket is not taken back.
    var encoded: Bytes {
        var builder = BytesBuilder(capacity: 17 + chain.reduce(0) { $0 + 2 + $1.count })
        builder.append(1)
        builder.append(bigEndian: validity.from.secondsSince1970)
        builder.append(bigEndian: validity.until.secondsSince1970)
        for der in chain {
            guard let count = UInt16(exactly: der.count), builder.count + der.count < Self.maximumBytes else {
                return Bytes()
            }
            builder.append(bigEndian: count)
            builder.append(der)
        }
        return builder.finish()
    }

    /// `nil` when it is anything but whole contents.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 17, unsafe bytes.first == 1 else { return nil }
        let times = unsafe (
            Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: Int64.self)),
            Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 9, as: Int64.self))
        )
        validity = CertificateVerifier.Validity(
            from: WallTime(secondsSince1970: times.0),
            until: WallTime(secondsSince1970: times.1)
        )
        chain = []
        var position = 17
        while position < bytes.count {
            guard bytes.count - position >= 2 else { return nil }
            let count = unsafe Int(bytes[position]) << 8 | Int(bytes[position + 1])
            position += 2
            guard count > 0, count <= bytes.count - position else { return nil }
            unsafe chain.append(Bytes(copying: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])))
            position += count
        }
    }
}
