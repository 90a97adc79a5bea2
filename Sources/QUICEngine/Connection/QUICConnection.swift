internal import CNGTCP2
internal import NodeTransport
internal import StreamTables

/// One QUIC connection. Confined to its endpoint's loop.
///
/// ```
/// handshaking → open → closing  → closed      this side closed: its packet is repeated on demand
///                    → draining → closed      the peer closed: silence
/// ```
/// From closing on, nothing of it is left but its IDs and one packet, for three probe timeouts.
@safe
package final class QUICConnection {
    enum State {
        case handshaking
        case open
        case closing(packet: [UInt8], path: QUICPath)
        case draining
        case closed
    }

    let core: EndpointCore
    let credentials: QUICCredentials
    /// ngtcp2's connection with its TLS session; freed when the connection closes, or here at the latest.
    var handle: OpaquePointer?
    var state = State.handshaking

    /// What the client asked for, where it is known.
    package internal(set) var serverName: String?
    package internal(set) var path: QUICPath
    /// The owner's own, whatever it is.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) package var context: AnyObject?
    /// Feeds streams in place of their own queues, until the connection is over.
    package var source: (any QUICStreamSource)? {
        // Strong, for a weak reference makes every retain of its object a slow one: it must not outlive its use.
        didSet { if unsafe handle == nil { source = nil } }
    }

    // Where the endpoint finds it.
    var ids: [ConnectionID] = []
    var clientChosenID: ConnectionID?
    var peerResetTokens: [ResetToken] = []
    var deadline = QUICTime.max
    var heapIndex = -1
    var isReady = false

    // Streams.
    let streams = StreamMap<QUICStream>()
    let sendable = FIFO<QUICStream>()
    /// Streams that had no credit: looked at for STOP_SENDING, which ngtcp2 does not report.
    let blocked = FIFO<QUICStream>()
    /// The peer's unidirectional streams that are over.
    var endedUni: [(stream: QUICStream, code: UInt64?)] = []
    var mayOpenBidi = true
    var mayOpenUni = true
    /// Streams of the peer that closed; it may open so many new ones.
    var returnedBidi = 0
    var returnedUni = 0
    /// Bytes that were thrown away; the peer gets their credit back.
    var returnedBytes = 0

    let blackHoles = BlackHoleWatch()
    /// The last look at what is to be sent found nothing.
    var hasSentAll = false
    /// Whose data is in the packet that is being written.
    var streamInPacket: Int64?

    var datagrams: DatagramQueue
    var nextDatagramID: UInt64 = 0

    // The handshake.
    var isHalfOpen = false
    var hasPreparedKeys = false
    package internal(set) var isHandshakeCompleted = false
    package internal(set) var isHandshakeConfirmed = false
    /// What the verifier answered about the peer; of a session that was offered for resumption, until the handshake
    /// is complete.
    package internal(set) var verifiedPeer: (any Sendable)?
    /// Client: streams may be opened before the server has answered. False again once it has refused early data.
    package internal(set) var offersEarlyData = false
    var verificationRefusal: (alert: UInt8, error: any Error)?
    var isStatelesslyReset = false
    /// Server: the client gets a token for its next visit.
    var owesNewToken = false
    /// The first packet was 0-RTT or its like: the endpoint answers with Retry.
    var wantsRetry = false
    /// The chain that came with a resumed session; at a server what the client presented, once the handshake is over.
    var keptChain: [Bytes] = []

    // Closing.
    var closeRepeats = 0
    var datagramsInClosing = 0

    var counters = QUICStatistics()
    var qlogSink: (@Sendable (UnsafeRawBufferPointer) -> Void)?

    init(core: EndpointCore, credentials: QUICCredentials, path: QUICPath, serverName: String?) {
        self.core = core
        self.credentials = credentials
        self.path = path
        self.serverName = serverName
        datagrams = DatagramQueue(limitBytes: core.configuration.datagramSendQueueBytes)
    }

    deinit {
        unsafe cngtcp2_connection_free(handle)
    }

    package var isServer: Bool { credentials.role == .server }

    package var isClosed: Bool {
        switch state {
        case .handshaking, .open: false
        case .closing, .draining, .closed: true
        }
    }

    /// Makes ngtcp2's connection and enters this one in the endpoint. False when there is no memory for it.
    func start(_ setup: ConnectionSetup) -> Bool {
        guard let resetToken = core.resetToken(for: setup.source) else { return false }
        unsafe qlogSink = core.configuration.qlog?(isServer, setup.path)
        var options = unsafe setup.options(core.configuration, resetToken: resetToken, hasQlog: qlogSink != nil)
        let session = setup.session
        let isEarly = credentials.allowsEarlyData && session?.allowsEarlyData == true
        let early = isEarly ? session?.parameters ?? Bytes() : Bytes()
        keptChain = session?.presentedChain ?? []
        // Sound: the handle, which calls back with this pointer, does not outlive the connection that owns it.
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe setup.token.withUnsafeBytes { token in
            unsafe (session?.ticket ?? Bytes()).withUnsafeBytes { ticket in
                unsafe early.withUnsafeBytes { early in
                    unsafe options.token = cngtcp2_vector(base: token.baseAddress, count: token.count)
                    unsafe options.session = cngtcp2_vector(base: ticket.baseAddress, count: ticket.count)
                    unsafe options.early_parameters = cngtcp2_vector(base: early.baseAddress, count: early.count)
                    if let serverName {
                        unsafe serverName.withCString { name in
                            unsafe options.server_name = unsafe name
                            unsafe handle = cngtcp2_connection_new(&options, credentials.pointer, handlers, context)
                        }
                    } else {
                        unsafe handle = cngtcp2_connection_new(&options, credentials.pointer, handlers, context)
                    }
                }
            }
        }
        guard unsafe handle != nil else { return false }
        offersEarlyData = !early.isEmpty
        core.liveConnections += 1
        if isServer {
            isHalfOpen = true
            core.halfOpenConnections += 1
        }
        core.connections[setup.source] = self
        ids.append(setup.source)
        core.markReady(self)
        return true
    }

    // MARK: Input

    func receive(_ datagram: UnsafeRawBufferPointer, ecn: UInt8, path from: QUICPath, now: QUICTime) {
        counters.datagramsReceived += 1
        counters.bytesReceived += UInt64(datagram.count)
        guard let handle = unsafe handle else {
            repeatClose()
            return
        }
        var rawPath = from.raw
        let result = unsafe cngtcp2_read(handle, &rawPath, ecn, datagram.baseAddress, datagram.count, now)
        if result == CNGTCP2_OK {
            afterInput()
        } else {
            fail(result, now: now)
        }
    }

    func handleTimeout(now: QUICTime) {
        guard let handle = unsafe handle else {
            state = .closed
            core.forget(self)
            return
        }
        let result = unsafe cngtcp2_handle_expiry(handle, now)
        if result == CNGTCP2_OK {
            core.markReady(self)
        } else {
            fail(result, now: now)
        }
    }

    /// Does what the callbacks could not do themselves.
    private func afterInput() {
        guard let handle = unsafe handle else { return }
        closeEndedUni()
        returnCredit()
        checkStopped()
        var raw = cngtcp2_path()
        unsafe cngtcp2_current_path(handle, &raw)
        let current = QUICPath(raw: raw)
        if current != path {
            path = current
            blackHoles.pathChanged()
            core.emit(.pathChanged(self, current))
        }
        core.markReady(self)
    }

    func returnCredit() {
        guard let handle = unsafe handle else { return }
        if returnedBidi > 0 { unsafe cngtcp2_extend_max_streams(handle, true, returnedBidi) }
        if returnedUni > 0 { unsafe cngtcp2_extend_max_streams(handle, false, returnedUni) }
        if returnedBytes > 0 { unsafe cngtcp2_extend_connection(handle, UInt64(returnedBytes)) }
        returnedBidi = 0
        returnedUni = 0
        returnedBytes = 0
    }
}
