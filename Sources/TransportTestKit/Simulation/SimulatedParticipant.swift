/// An engine without I/O at one or more addresses of a ``SimulatedNetwork``.
///
/// Times are nanoseconds since the network's beginning, and never go back. After each call ``pollTransmit(now:)`` is asked
/// until it has nothing more.
public protocol SimulatedParticipant: AnyObject {
    /// Takes a datagram; its destination is one of the participant's addresses.
    func receive(_ datagram: SimulatedDatagram, now: Int64)

    /// When ``handleTimeout(now:)`` is to be called; `nil` for never. Asked after every call.
    var nextDeadline: Int64? { get }

    /// The deadline has come: it must be a later one afterwards, or none.
    func handleTimeout(now: Int64)

    /// The next datagram to send, from one of its addresses.
    func pollTransmit(now: Int64) -> SimulatedDatagram?
}
