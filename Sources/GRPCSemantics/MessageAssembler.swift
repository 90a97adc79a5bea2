package import NodeTransport

/// Cuts a stream's bytes into messages (gRPC over HTTP/2, "Length-Prefixed-Message").
///
/// A message's memory is allocated once, when its length is known, and filled straight from the
/// bytes as they arrive.
package struct MessageAssembler: ~Copyable {
    /// What is wrong with the bytes.
    package enum Fault: Error, Equatable {
        /// The message is longer than the limit.
        case tooLarge(length: Int, limit: Int)
        /// The compressed flag is set, and no compression was negotiated.
        case compressed
        /// The flag byte is neither 0 nor 1.
        case badFlag(UInt8)
    }

    /// The flag byte and the length.
    package static let prefixBytes = 5

    private let limit: Int
    private var prefix: (length: UInt32, count: Int) = (0, 0)
    private var body: BytesBuilder?
    private var missing = 0

    /// Refuses messages of more than `limit` bytes.
    package init(limit: Int) { self.limit = limit }

    /// Whether the bytes so far end within a message.
    package var isMidMessage: Bool { prefix.count > 0 }

    /// Takes what it needs from the front of `input` and returns the message that became complete, if one did.
    /// Call again with what is left until nothing is.
    package mutating func next(_ input: inout UnsafeRawBufferPointer) throws(Fault) -> Bytes? {
        if prefix.count == 0, input.count >= Self.prefixBytes {
            try unsafe check(flag: input[0])
            // Sound: any bit pattern is an integer; the bounds are checked.
            let length = unsafe UInt32(bigEndian: input.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
            unsafe input = UnsafeRawBufferPointer(rebasing: input[Self.prefixBytes...])
            try begin(length)
        }
        while prefix.count < Self.prefixBytes {
            guard let byte = unsafe input.first else { return nil }
            unsafe input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
            try takePrefix(byte)
        }
        let count = min(missing, input.count)
        if count > 0 {
            unsafe body?.append(UnsafeRawBufferPointer(rebasing: input[..<count]))
            unsafe input = UnsafeRawBufferPointer(rebasing: input[count...])
            missing -= count
        }
        guard missing == 0 else { return nil }
        prefix = (0, 0)
        guard let body = body.take() else { return Bytes() }
        return body.finish()
    }

    /// Lends room for the bytes that come next, `byteCount` at most and none beyond the message that is arriving;
    /// `body` returns how many it has filled. It is not called when no message is.
    ///
    /// ``next(_:)`` returns the message that became complete with them.
    package mutating func lendRoom(upTo byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let byteCount = min(byteCount, missing)
        guard byteCount > 0 else { return }
        unsafe self.body?.append(byteCount: byteCount) { room in
            let filled = unsafe body(room)
            missing -= filled
            return filled
        }
    }

    private mutating func takePrefix(_ byte: UInt8) throws(Fault) {
        if prefix.count == 0 {
            try check(flag: byte)
        } else {
            prefix.length = prefix.length << 8 | UInt32(byte)
        }
        prefix.count += 1
        if prefix.count == Self.prefixBytes { try begin(prefix.length) }
    }

    private func check(flag: UInt8) throws(Fault) {
        if flag == 1 { throw .compressed }
        guard flag == 0 else { throw .badFlag(flag) }
    }

    /// The prefix is complete: makes room for the message.
    private mutating func begin(_ length: UInt32) throws(Fault) {
        let length = Int(length)
        prefix.count = Self.prefixBytes
        guard length <= limit else { throw .tooLarge(length: length, limit: limit) }
        missing = length
        body = length == 0 ? nil : BytesBuilder(capacity: length)
    }
}

extension MessageAssembler.Fault {
    /// The status that a peer is answered with, or that a call ends with.
    package var error: TransportError {
        switch self {
        case .tooLarge(let length, let limit):
            TransportError(
                .resourceExhausted, "a message of \(length) bytes is over the limit of \(limit) bytes", origin: .library
            )
        case .compressed:
            TransportError(
                .unimplemented, "the message is compressed, and only the identity encoding is supported",
                origin: .library)
        case .badFlag(let flag):
            TransportError(.internal, "a message begins with flag \(flag) instead of 0 or 1", origin: .library)
        }
    }
}
