internal import NodeTransport

/// One end of an HTTP/3 connection (RFC 9114) without I/O: bytes of QUIC streams and calls in, events and bytes out.
///
/// The engine knows no QUIC, no clock and no user code, and it is confined to its owner's loop. The owner opens three
/// unidirectional streams and names them in ``bind(control:qpackEncoder:qpackDecoder:)``, gives what arrives to
/// ``receive(stream:_:isFinal:into:)`` and the notices of QUIC to ``receivedReset(stream:_:into:)``,
/// ``receivedStopSending(stream:_:into:)`` and ``closed(stream:into:)``, and takes what is to be sent with
/// ``nextWrite(into:)``. A method that takes a stream that is gone does nothing.
package struct HTTP3Connection: ~Copyable {
    package let role: HTTP3Role
    let configuration: HTTP3Configuration

    /// Why the connection is unusable; every later call says the same.
    package internal(set) var failure: HTTP3Error?

    // Streams.
    var streams = StreamTable()
    var turns = TurnQueue()
    /// Streams whose field section waits for the encoder stream.
    var blocked: [RequestStream] = []
    var peerStreams: [Int64: PeerStream] = [:]
    var peerControl = ControlStreamReader()
    var control = OwnStream()
    var encoderStream = OwnStream()
    var decoderStream = OwnStream()

    // QPACK.
    var decoder: QPACKDecoder
    var encoder: QPACKEncoder

    // What the peer said.
    var peerSettings = Settings()
    package internal(set) var hasReceivedSettings = false
    /// Client: what the server said earlier, and this side goes by for now.
    var assumed: RememberedSettings?
    /// Client: the first request that the server will not process. Server: the client's push ID, which nothing uses.
    package internal(set) var peerGoAwayID: UInt64?
    var peerMaxPushID: UInt64?

    // The end.
    /// The identifier in the last GOAWAY that this side sent.
    package internal(set) var sentGoAwayID: UInt64?
    /// Server: the highest request stream seen, or −4.
    package internal(set) var lastRequestID: Int64 = -4

    package init(role: HTTP3Role, configuration: HTTP3Configuration = HTTP3Configuration()) {
        let configuration = configuration.clamped()
        self.role = role
        self.configuration = configuration
        decoder = QPACKDecoder(
            tableBytes: configuration.dynamicTableBytes, blockedStreams: configuration.maxBlockedStreams)
        encoder = QPACKEncoder(tableBytes: configuration.dynamicTableBytes)
    }

    /// Names the three unidirectional streams that the owner has opened, and puts what opens them into the output:
    /// their types and SETTINGS. To be called once, before anything is sent.
    package mutating func bind(control: Int64, qpackEncoder: Int64, qpackDecoder: Int64) {
        guard self.control.id < 0 else { return }
        self.control.id = control
        encoderStream.id = qpackEncoder
        decoderStream.id = qpackDecoder
        Self.write(type: StreamType.qpackEncoder, to: &encoderStream)
        Self.write(type: StreamType.qpackDecoder, to: &decoderStream)
        Self.write(type: StreamType.control, to: &self.control)
        writeControlFrame(FrameType.settings, Settings.encode(configuration))
    }

    private static func write(type: UInt64, to stream: inout OwnStream) {
        unsafe stream.output.append(count: 1) { target in
            unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: type), as: UInt8.self)
        }
    }

    /// Sends a frame on the control stream.
    mutating func writeControlFrame(_ type: UInt64, _ payload: [UInt8]) {
        var frame: [UInt8] = []
        VariableInteger.append(type, to: &frame)
        VariableInteger.append(UInt64(payload.count), to: &frame)
        control.output.append(Bytes(frame + payload))
    }

    /// How many request streams are open.
    package var openStreamCount: Int { streams.count }

    /// Whether either side has announced the connection's end, or it has come.
    package var isGoingAway: Bool { peerGoAwayID != nil || sentGoAwayID != nil || failure != nil }

    /// Whether the peer has announced that it takes HTTP datagrams (RFC 9297 §2.1.1).
    package var peerAllowsDatagrams: Bool { peerSettings.allowsDatagrams }

    /// The largest field section that the peer accepts.
    package var peerMaxFieldSectionBytes: UInt64 { peerSettings.maxFieldSectionBytes }
}
