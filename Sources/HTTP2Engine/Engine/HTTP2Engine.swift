internal import NodeTransport

/// One end of an HTTP/2 connection (RFC 9113) without I/O: bytes and calls in, events and bytes out.
///
/// The engine knows no socket, no clock and no user code. It is confined to its owner's loop. The
/// owner's cycle is: ``receive(_:now:into:)`` what was read, act on the events, ``fill(into:)``, act on
/// those events, ``withOutput(_:)``. A method that takes a ``StreamHandle`` of a stream that is gone does
/// nothing.
///
/// A server that answers before the request has ended should ``reset(_:_:)`` the stream with `noError`
/// after the trailers have been sent, or the stream stays open until the peer ends it.
package struct HTTP2Engine: ~Copyable {
    /// The life of a connection.
    enum Phase {
        case running
        /// A connection error or the end of input: nothing is received or sent any more, but for the
        /// output that waits.
        case ended
    }

    package let role: HTTP2Role
    let configuration: HTTP2Configuration
    var phase = Phase.running

    // What arrives.
    var input = FrameInput()
    var headerBlock = HeaderBlockAssembly()
    var decoder: HPACKDecoder
    var now: Int64 = 0

    // Streams.
    var streams = StreamTable()
    var recentlyClosed = RecentlyClosed()
    var sendQueue = SendQueue()
    /// The highest identifier of a stream the peer opened.
    package internal(set) var lastPeerStreamID: UInt32 = 0
    /// The next identifier for a stream of this side.
    var nextStreamID: UInt32 = 1

    // Flow control of the connection.
    var connectionSendWindow = Int64(FlowControl.defaultWindow)
    var connectionReceiveWindow: Int64
    var connectionUnannouncedBytes: Int64 = 0

    // SETTINGS. What this side announced counts from the peer's acknowledgement on.
    var peerInitialWindow = Int64(FlowControl.defaultWindow)
    var peerMaxFrameBytes = 16_384
    var hasPeerSettings = false
    var ownInitialWindow: Int64
    var isOwnSettingsAcknowledged = false

    /// How many streams the peer allows this side to have open; 100 is assumed until it has said so.
    package internal(set) var peerMaxConcurrentStreams: UInt32 = 100

    /// The header list size the peer accepts, advisory.
    package internal(set) var peerMaxHeaderListBytes: UInt32 = .max

    // The connection's end.
    /// Client: the last identifier of the peer's GOAWAY.
    var peerGoAwayID: UInt32?
    /// Server: the last identifier of the GOAWAY this side has sent.
    var sentGoAwayID: UInt32?

    // What leaves.
    var output = OutputQueue()
    var encoder: HPACKEncoder

    // Abuse limits.
    var queuedControlFrames = QueuedFrameCount()
    var resets: RateLimit
    var settingsFrames: RateLimit
    var pings: RateLimit
    var emptyDataFrames = 0

    /// How many PINGs the peer has sent, for an owner that has a policy on them.
    package internal(set) var pingsReceived = 0

    package init(role: HTTP2Role, configuration: HTTP2Configuration = HTTP2Configuration()) {
        let configuration = configuration.clamped()
        self.role = role
        self.configuration = configuration
        // Until the peer has acknowledged a smaller window it may use the default one.
        ownInitialWindow = Int64(max(configuration.initialStreamWindowBytes, FlowControl.defaultWindow))
        connectionReceiveWindow = Int64(configuration.connectionWindowBytes)
        decoder = HPACKDecoder(tableLimit: max(configuration.headerTableBytes, 4096))
        encoder = HPACKEncoder(ownLimit: configuration.headerTableBytes)
        let window = configuration.abuseWindowNanoseconds
        resets = RateLimit(maxCount: configuration.maxResetsPerWindow, windowNanoseconds: window)
        settingsFrames = RateLimit(maxCount: configuration.maxSettingsPerWindow, windowNanoseconds: window)
        pings = RateLimit(maxCount: configuration.maxPingsPerWindow, windowNanoseconds: window)
        if role == .server { input.expectedPrefaceBytes = FrameInput.clientPreface.count }
    }

    /// Puts what opens a connection into the output: the client's preface, SETTINGS, the connection's window.
    package mutating func start() {
        if role == .client { output.append(FrameInput.clientPreface) }
        writeInitialSettings()
        let growth = configuration.connectionWindowBytes - FlowControl.defaultWindow
        if growth > 0 { writeWindowUpdate(stream: 0, UInt32(truncatingIfNeeded: growth)) }
    }

    /// How many streams are open.
    package var openStreamCount: Int { streams.openCount }

    /// Whether either side has announced the connection's end, or it has come.
    package var isGoingAway: Bool { peerGoAwayID != nil || sentGoAwayID != nil || phase == .ended }

    /// Whether the peer's SETTINGS have arrived.
    package var hasReceivedSettings: Bool { hasPeerSettings }
}

/// An error of the peer that ends the connection (RFC 9113 §5.4.1).
struct ConnectionFault: Error {
    let code: HTTP2ErrorCode
    let reason: StaticString

    init(_ code: HTTP2ErrorCode, _ reason: StaticString) {
        self.code = code
        self.reason = reason
    }
}
