package import NodeTransport

/// What input, time or sending has led to.
package enum QUICEvent {
    // Connections.

    /// A client has sent its first packet. Nothing of it is authenticated yet.
    case connectionOpened(QUICConnection)

    /// The handshake is complete on this side. A client that showed a certificate waits for
    /// ``handshakeConfirmed(_:)``: the server may still refuse it.
    case handshakeCompleted(QUICConnection)

    /// The peer is known to have completed its handshake too (RFC 9001 §4.1.2).
    case handshakeConfirmed(QUICConnection)

    /// The server did not take the early data: the streams opened so far are gone, without further events.
    case earlyDataRejected(QUICConnection)

    /// The last event of a connection; its streams get none of their own.
    indirect case connectionClosed(QUICConnection, QUICCloseReason)

    /// A connection was not let in.
    indirect case connectionRefused(QUICPath, QUICLimit)

    /// Streams may be opened again after there was no credit.
    case streamsAvailable(QUICConnection, isBidirectional: Bool)

    indirect case pathValidated(QUICConnection, QUICPath, isValid: Bool)

    /// Packets go to, or come from, another address than before.
    indirect case pathChanged(QUICConnection, QUICPath)

    /// An update of the keys, by either side, is complete (RFC 9001 §6); the next may be made.
    case keyUpdated(QUICConnection)

    /// Client: what a later connection to this server may resume with.
    indirect case sessionTicket(QUICConnection, QUICSession)

    /// Client: what spares a later connection to this server the Retry.
    indirect case newToken(QUICConnection, Bytes)

    // Streams.

    /// Bytes in order, and whether the stream ends behind them; the first are how a stream that the peer has opened
    /// becomes known. Credit comes back to the peer with
    /// ``QUICConnection/consume(_:byteCount:)``.
    case streamData(QUICStream, Bytes, isLast: Bool)

    /// The peer will not send the rest.
    case streamReset(QUICStream, code: UInt64)

    /// The peer does not want the rest; what waited to be sent is dropped. The code is known with
    /// ``streamClosed(_:code:)`` only.
    case streamStopped(QUICStream)

    /// Less than the low-water mark waits to be sent, after there was more.
    case streamWritable(QUICStream)

    /// The peer gave credit to a stream that had none.
    case streamUnblocked(QUICStream)

    /// For streams that a ``QUICStreamSource`` feeds: so many bytes need not be kept any longer.
    case streamAcknowledged(QUICStream, byteCount: Int)

    /// The last event of a stream; the code is that of a reset, if there was one.
    case streamClosed(QUICStream, code: UInt64?)

    // Datagrams (RFC 9221).

    case datagram(QUICConnection, Bytes)
    case datagramAcknowledged(QUICConnection, id: UInt64)
    /// The packet with the datagram is taken to be lost. ngtcp2 0.12 does not report every loss.
    case datagramLost(QUICConnection, id: UInt64)
}

/// What kept a connection from being let in.
package enum QUICLimit: Sendable, Hashable {
    case connections
    case halfOpenConnections
    case newConnectionsPerAddress
    /// The endpoint takes no more connections.
    case shutdown
    /// A Retry token that is false or too old.
    case invalidToken
}
