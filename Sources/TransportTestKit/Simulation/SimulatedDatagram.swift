public import NodeTransport

/// The congestion mark in a datagram's IP header (RFC 3168 §5); the raw value is the two bits.
public enum ECNMark: UInt8, Sendable, Hashable {
    /// The sender does not react to marks.
    case notCapable = 0
    /// ECT(1).
    case capable1 = 1
    /// ECT(0).
    case capable0 = 2
    /// CE: a queue on the way was filling up.
    case congestionExperienced = 3
}

/// One datagram under way.
public struct SimulatedDatagram: Sendable, Hashable {
    public var payload: Bytes
    public var source: SimulatedAddress
    public var destination: SimulatedAddress
    public var ecn: ECNMark
    /// Whether this is the news that nobody took a datagram, from where it went to (ICMP's "port unreachable").
    package var isRefusal = false

    public init(
        _ payload: Bytes, from source: SimulatedAddress, to destination: SimulatedAddress, ecn: ECNMark = .notCapable
    ) {
        self.payload = payload
        self.source = source
        self.destination = destination
        self.ecn = ecn
    }
}
