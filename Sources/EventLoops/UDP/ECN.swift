/// The congestion mark in a datagram's IP header (RFC 3168 §5, RFC 9331).
package enum ECN: UInt8, Sendable, Hashable {
    /// The sender does not react to marks.
    case notCapable = 0
    /// ECT(1): the sender reacts as L4S asks (RFC 9331).
    case capable1 = 1
    /// ECT(0): the sender reacts as to a loss; what QUIC sends (RFC 9000 §13.4.1).
    case capable0 = 2
    /// CE: a queue on the way was filling up.
    case congestionExperienced = 3
}
