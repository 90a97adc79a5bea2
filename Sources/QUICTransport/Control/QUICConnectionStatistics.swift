internal import QUICEngine

/// Figures of one QUIC connection.
public struct QUICConnectionStatistics: Sendable, Hashable {
    /// The time from sending a packet to its acknowledgement: the last one, the least, and smoothed (RFC 9002 §5).
    public var latestRoundTrip: Duration
    /// As ``latestRoundTrip``.
    public var minimumRoundTrip: Duration
    /// As ``latestRoundTrip``.
    public var smoothedRoundTrip: Duration
    /// How much may be on its way, and how much is, in bytes.
    public var congestionWindowBytes: UInt64
    /// As ``congestionWindowBytes``.
    public var bytesInFlight: UInt64
    public var packetsSent: UInt64
    public var bytesSent: UInt64
    /// UDP datagrams, which may hold several packets.
    public var datagramsReceived: UInt64
    public var bytesReceived: UInt64
    /// Packets taken to be lost, counted once for each closed stream that had data in them.
    public var lostStreamPackets: UInt64
    /// Datagrams (RFC 9221) that were lost on the way, and those that this side had no room for: they gave way to newer ones
    /// before they were sent or read, or too many handlers were running.
    public var lostDatagrams: UInt64
    /// As ``lostDatagrams``.
    public var droppedDatagrams: UInt64
    public var keyUpdates: UInt64
    /// How often the path was found to carry large datagrams no more (RFC 8899 §4.3): small ones are sent since.
    public var blackHoles: UInt64
    /// Whether the handshake went by an earlier connection's keys; known when it is over.
    public var isResumed: Bool
    /// Whether the server took early data (0-RTT); known when the handshake is over.
    public var isEarlyDataAccepted: Bool

    init(_ engine: QUICStatistics) {
        func duration(_ time: QUICTime) -> Duration { .nanoseconds(Int64(clamping: time)) }
        latestRoundTrip = duration(engine.latestRoundTrip)
        minimumRoundTrip = duration(engine.minimumRoundTrip)
        smoothedRoundTrip = duration(engine.smoothedRoundTrip)
        congestionWindowBytes = engine.congestionWindowBytes
        bytesInFlight = engine.bytesInFlight
        packetsSent = engine.packetsSent
        bytesSent = engine.bytesSent
        datagramsReceived = engine.datagramsReceived
        bytesReceived = engine.bytesReceived
        lostStreamPackets = engine.lostStreamPackets
        lostDatagrams = engine.lostDatagrams
        droppedDatagrams = engine.droppedDatagrams
        keyUpdates = engine.keyUpdates
        blackHoles = engine.blackHoles
        isResumed = engine.isResumed
        isEarlyDataAccepted = engine.isEarlyDataAccepted
    }
}
