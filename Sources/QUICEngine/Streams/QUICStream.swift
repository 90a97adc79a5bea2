internal import NodeTransport

/// One stream of a connection (RFC 9000 §2). Confined to the connection's loop.
///
/// Its methods are those of ``QUICConnection`` that take a stream. One that is closed takes no more calls:
/// they do nothing.
package final class QUICStream {
    package let id: Int64
    package let connection: QUICConnection

    // What is stored is the module's own: so the compiler sees every use and proves that none overlap, where it would
    // check each at run time.

    private var owner: AnyObject?

    // What is kept to be sent: see QUICStream+Sending.

    /// Most streams of small calls have one piece.
    var firstPiece: Bytes?
    var morePieces: FIFO<Bytes>?
    /// How much of the first piece was acknowledged.
    var acknowledgedOfFirst = 0
    /// The next piece to send, counted from the first, and how much of it was sent.
    var nextPiece = 0
    var sentOfNext = 0
    /// What waits to be put into packets.
    var waitingBytes = 0
    /// Sent, not acknowledged.
    var inFlightBytes = 0
    /// The stream ends behind the last piece.
    var isEnding = false
    var isEndSent = false

    /// The stream stands in the connection's queue of those with something to send.
    var isQueued = false
    /// It had data and no credit.
    var isBlocked = false
    var wasStopped = false
    /// The owner was told that it has to wait, and is told when it need not any more.
    var awaitsLowWater = false

    var sendingIsOver = false
    var receivingIsOver = false
    var isOver = false
    /// The peer's data is thrown away because of ``QUICConnection/stopSending(_:code:)``.
    var isDiscarding = false

    /// A source feeds it: acknowledgements are reported.
    var isFedBySource = false
    var unreportedAcknowledgedBytes = 0
    /// Received, and not yet consumed.
    var unconsumedBytes = 0

    init(id: Int64, connection: QUICConnection) {
        self.id = id
        self.connection = connection
    }

    /// The owner's own, whatever it is.
    package var context: AnyObject? {
        get { owner }
        set { owner = newValue }
    }

    /// This side sends no more: ended, reset, or stopped by the peer.
    package var isSendingOver: Bool { sendingIsOver }
    /// Nothing more comes: ended or reset by the peer, or not wanted any more.
    package var isReceivingOver: Bool { receivingIsOver }
    package var isClosed: Bool { isOver }

    /// How many acknowledged bytes the owner has not heard of, and does now.
    func takeUnreportedAcknowledgedBytes() -> Int { exchange(&unreportedAcknowledgedBytes, with: 0) }

    package var isBidirectional: Bool { id & 2 == 0 }
    package var isLocal: Bool { (id & 1 == 1) == connection.isServer }

    /// What waits to be put into packets.
    package var unsentBytes: Int { waitingBytes }
    /// What is kept for this stream: unsent, and sent but not acknowledged.
    package var bufferedBytes: Int { waitingBytes + inFlightBytes }
}
