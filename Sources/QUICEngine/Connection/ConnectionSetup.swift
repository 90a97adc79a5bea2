internal import CNGTCP2
internal import NodeTransport

/// What a connection begins with.
struct ConnectionSetup {
    let destination: ConnectionID
    let source: ConnectionID
    let path: QUICPath
    let now: QUICTime
    /// Server: the destination ID of the client's very first packet.
    var originalDestination = ConnectionID(raw: cngtcp2_cid())
    /// Server after Retry: the ID that the Retry came from.
    var retrySource = ConnectionID(raw: cngtcp2_cid())
    var token = Bytes()
    var isTokenOfRetry = false
    var session: QUICSession?

    init(destination: ConnectionID, source: ConnectionID, path: QUICPath, now: QUICTime) {
        self.destination = destination
        self.source = source
        self.path = path
        self.now = now
    }

    /// The options for ngtcp2, but for what is lent by pointers.
    func options(_ configuration: QUICConfiguration, resetToken: ResetToken, hasQlog: Bool) -> cngtcp2_options {
        var options = unsafe cngtcp2_options()
        unsafe options.destination_id = destination.raw
        unsafe options.source_id = source.raw
        unsafe options.original_destination_id = originalDestination.raw
        unsafe options.retry_source_id = retrySource.raw
        unsafe options.reset_token = resetToken.raw
        unsafe options.path = path.raw
        unsafe options.now = now
        unsafe options.is_token_of_retry = isTokenOfRetry
        unsafe options.congestion_control = configuration.congestionControl.rawValue
        unsafe options.initial_stream_window = configuration.initialStreamWindowBytes
        unsafe options.initial_connection_window = configuration.initialConnectionWindowBytes
        unsafe options.max_stream_window = configuration.maxStreamWindowBytes
        unsafe options.max_connection_window = configuration.maxConnectionWindowBytes
        unsafe options.max_streams_bidi = configuration.maxBidirectionalStreams
        unsafe options.max_streams_uni = configuration.maxUnidirectionalStreams
        unsafe options.idle_timeout = configuration.idleTimeout
        unsafe options.handshake_timeout = configuration.handshakeTimeout
        unsafe options.initial_rtt = configuration.initialRoundTrip
        unsafe options.max_datagram_frame = configuration.maxDatagramFrameBytes
        unsafe options.active_connection_ids = 4
        unsafe options.max_udp_payload = configuration.maxUDPPayloadBytes
        unsafe options.has_path_mtu_discovery = configuration.discoversPathMTU
        unsafe options.is_migration_disabled = configuration.forbidsMigration
        unsafe options.has_qlog = hasQlog
        return unsafe options
    }
}
