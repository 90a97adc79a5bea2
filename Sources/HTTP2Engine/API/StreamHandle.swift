/// Names one stream of one engine.
///
/// A handle whose stream is gone is harmless: every method that takes one checks that the slot still
/// holds the stream with that identifier.
package struct StreamHandle: Hashable, Sendable {
    /// The stream's identifier on the wire; odd for streams a client opened.
    package let id: UInt32

    /// A small dense index for the owner's own array of streams.
    ///
    /// It is given to another stream only after this stream's ``HTTP2Event/closed(_:)`` has been
    /// delivered and the batch that held it has been emptied.
    package let slot: Int

    package init(id: UInt32, slot: Int) {
        self.id = id
        self.slot = slot
    }
}

/// Which end of the connection an engine is.
package enum HTTP2Role: Sendable {
    case client
    case server
}

/// Why a client cannot open a stream now.
package enum HTTP2OpenError: Error, Hashable {
    /// As many streams are open as the peer allows; try again after a stream has closed.
    case tooManyStreams
    /// The peer or this side has announced the connection's end; use another connection.
    case goingAway
    /// All 2^30 identifiers are used up; use another connection.
    case idsExhausted
    /// The connection has failed or ended, or this engine is a server.
    case closed
}
