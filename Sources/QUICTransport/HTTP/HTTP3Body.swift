public import NodeTransport

/// Content to send: bytes, a sequence of them, or what a closure writes.
///
/// Pieces go out as the peer takes them: a sequence is asked for its next element, and a writer's ``HTTP3BodyWriter/write(_:)``
/// returns, when there is room. Some 64 KiB beyond what the peer's window allows are kept, and one piece.
public struct HTTP3Body: Sendable {
    enum Content: Sendable {
        case bytes(Bytes)
        case written(@Sendable (HTTP3BodyWriter) async throws -> Void)
    }

    let content: Content
    /// How many bytes there are, where that is known; it becomes the `content-length`.
    public let length: Int?

    /// Whether it is certain that there is nothing.
    var isEmpty: Bool { if case .bytes(let bytes) = content { bytes.isEmpty } else { false } }

    public init(_ bytes: Bytes = Bytes()) {
        content = .bytes(bytes)
        length = bytes.count
    }

    /// - Parameters:
    ///   - pieces: Sent one after the other as the peer takes them.
    ///   - length: How many bytes the elements have together. A sequence that has more, or less, is an error: the
    ///     stream is reset.
    public init<Pieces: AsyncSequence & Sendable>(_ pieces: Pieces, length: Int? = nil) where Pieces.Element == Bytes {
        self.init(length: length) { writer in
            for try await piece in pieces { try await writer.write(piece) }
        }
    }

    /// - Parameters:
    ///   - length: As of ``init(_:length:)``.
    ///   - write: Writes the content, which ends when it returns. What it throws resets the stream. It is cancelled when
    ///     nobody wants the rest, and not called at all when that is so before it begins.
    public init(length: Int? = nil, _ write: @escaping @Sendable (HTTP3BodyWriter) async throws -> Void) {
        content = .written(write)
        self.length = length
    }
}

/// Where a body is written to.
public struct HTTP3BodyWriter: Sendable {
    let exchange: HTTP3Exchange

    /// Sends a piece, and returns when there is room for the next.
    ///
    /// - Throws: ``/NodeTransport/TransportError``: ``/NodeTransport/StatusCode/cancelled`` when the peer wants no more, or
    ///   the task is cancelled; ``/NodeTransport/StatusCode/invalidArgument`` for more than the `content-length` says;
    ///   what has ended the request otherwise.
    public func write(_ piece: Bytes) async throws {
        // A long run of bytes must not fill the stream's queue at once.
        var start = 0
        repeat {
            let end = min(start + Self.sliceBytes, piece.count)
            try await exchange.write(piece.count <= Self.sliceBytes ? piece : piece.slice(start..<end))
            start = end
        } while start < piece.count
    }

    /// Sets the fields to send behind the content, once it ends (RFC 9114 §4.1).
    public func setTrailers(_ trailers: [HTTP3Request.Header]) { exchange.setOutgoingTrailers(trailers) }

    static let sliceBytes = 1 << 20
}
