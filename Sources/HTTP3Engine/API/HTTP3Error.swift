/// An error that ends the connection (RFC 9114 §8): the owner closes it with the code and fails what is open.
///
/// Errors of one stream are the event ``HTTP3Event/failed(_:_:_:)``.
package struct HTTP3Error: Error, Hashable, Sendable {
    package let code: HTTP3ErrorCode
    package let reason: String

    package init(_ code: HTTP3ErrorCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension HTTP3Error: CustomStringConvertible {
    package var description: String { "\(code): \(reason)" }
}

/// Why something could not be sent. Nothing of it has been.
package enum HTTP3SendError: Error, Hashable, Sendable {
    /// The stream is gone, or this side of it has ended.
    case streamEnded
    /// The call does not fit what has been sent on the stream: a second response, content before a header section.
    case outOfOrder
    /// The peer accepts no field section of that size (SETTINGS_MAX_FIELD_SECTION_SIZE).
    case fieldSectionTooLarge(byteCount: Int, limit: UInt64)
    /// The stream holds as much unsent content as ``HTTP3Configuration/maxStreamQueueBytes`` allows.
    case queueFull
    /// The peer has announced the connection's end; use another connection.
    case goingAway
    /// The connection has failed, or its streams are not bound yet.
    case closed
}
