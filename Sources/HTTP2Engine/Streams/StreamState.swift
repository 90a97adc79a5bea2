/// What an engine knows of one stream. A slot of ``StreamTable``.
struct StreamState {
    /// The life of a slot: free → open → closing → closed → free.
    enum Phase {
        case free
        case open
        /// The stream is done; its `closed` event has not been delivered.
        case closing
        /// The owner has the event; the slot is free when the batch has been emptied.
        case closed
    }

    /// What follows the queued data.
    enum Ending {
        case none
        case endStream
        case trailers(prepared: [PreparedField], extra: [HeaderPair])
    }

    var id: UInt32 = 0
    var phase = Phase.free

    /// Server: when the request came.
    var openedAt: Int64 = 0

    /// END_STREAM has been put into the output.
    var isLocallyClosed = false
    /// END_STREAM has been received.
    var isRemotelyClosed = false
    /// Server: response headers have been sent.
    var hasSentHeaders = false
    /// The peer's (final) header section has been received.
    var hasReceivedHeaders = false
    /// Client: the request is HEAD, so the response's content-length announces no content.
    var isHeadRequest = false

    /// What this side may still send; negative after the peer has lowered its initial window.
    var sendWindow: Int64 = 0
    /// What the peer may still send.
    var receiveWindow: Int64 = 0
    /// Delivered to the owner and not consumed.
    var unconsumedBytes: Int64 = 0
    /// Consumed and not yet announced to the peer.
    var unannouncedBytes: Int64 = 0

    /// The content-length the peer has announced, or −1.
    var expectedContentBytes: Int64 = -1
    var receivedContentBytes: Int64 = 0

    var queue = SendQueue.List()
    var ending = Ending.none
    /// The queue has reached the low-water mark since the last `drained`.
    var awaitsDrained = false

    /// Membership in the ready list; kept when the slot changes hands.
    var isReady = false
    var nextReady: Int32 = -1

    /// Makes the slot hold a fresh stream.
    mutating func open(id: UInt32, sendWindow: Int64, receiveWindow: Int64) {
        let (isReady, nextReady) = (self.isReady, self.nextReady)
        self = StreamState()
        self.isReady = isReady
        self.nextReady = nextReady
        self.id = id
        self.sendWindow = sendWindow
        self.receiveWindow = receiveWindow
        phase = .open
    }

    var handleID: UInt32 { id }

    /// Whether the ending is decided: nothing more may be queued.
    ///
    /// It is `mutating` so that the slot is not copied: a large value is, for a getter that is not.
    var isEnding: Bool {
        mutating get {
            if isLocallyClosed { return true }
            if case .none = ending { return false }
            return true
        }
    }
}
