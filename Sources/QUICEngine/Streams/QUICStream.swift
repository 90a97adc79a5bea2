/// One stream of a connection (RFC 9000 §2). Confined to the connection's loop.
///
/// Its methods are those of ``QUICConnection`` that take a stream. One that is closed takes no more calls:
/// they do nothing.
package final class QUICStream {
    package let id: Int64
    package let connection: QUICConnection

    /// The owner's own, whatever it is.
    package var context: AnyObject?

    var sendBuffer = SendBuffer()

    /// The stream stands in the connection's queue of those with something to send.
    var isQueued = false
    /// It had data and no credit.
    var isBlocked = false
    var wasStopped = false
    /// The owner was told that it has to wait, and is told when it need not any more.
    var awaitsLowWater = false

    /// This side sends no more: ended, reset, or stopped by the peer.
    package internal(set) var isSendingOver = false
    /// Nothing more comes: ended or reset by the peer, or not wanted any more.
    package internal(set) var isReceivingOver = false
    /// The peer's data is thrown away because of ``QUICConnection/stopSending(_:code:)``.
    var isDiscarding = false
    package internal(set) var isClosed = false

    /// A source feeds it: acknowledgements are reported.
    var isFedBySource = false
    var unreportedAcknowledgedBytes = 0
    /// Received, and not yet consumed.
    var unconsumedBytes = 0

    init(id: Int64, connection: QUICConnection) {
        self.id = id
        self.connection = connection
    }

    package var isBidirectional: Bool { id & 2 == 0 }
    package var isLocal: Bool { (id & 1 == 1) == connection.isServer }

    /// What waits to be put into packets.
    package var unsentBytes: Int { sendBuffer.unsentBytes }
    /// What is kept for this stream: unsent, and sent but not acknowledged.
    package var bufferedBytes: Int { sendBuffer.unsentBytes + sendBuffer.inFlightBytes }
}
