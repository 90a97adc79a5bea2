/// What became of the datagrams of one direction of a link.
public struct LinkStatistics: Sendable, Hashable {
    /// Datagrams that were sent into the link.
    public internal(set) var sent = 0
    public internal(set) var sentBytes = 0
    /// Datagrams that came out of it, copies counted.
    public internal(set) var delivered = 0
    public internal(set) var deliveredBytes = 0
    /// Lost by ``LinkConditions/loss`` or ``LinkConditions/burstLoss``.
    public internal(set) var lost = 0
    /// Lost because the link was cut or in a blackout.
    public internal(set) var cutOff = 0
    /// Longer than ``LinkConditions/maximumDatagramBytes``.
    public internal(set) var blackHoled = 0
    /// Dropped because a queue was full.
    public internal(set) var queueDropped = 0
    /// Arrived where nobody is bound, or at an address that a rebinding has made void.
    public internal(set) var undeliverable = 0
    /// Copies made.
    public internal(set) var duplicated = 0
    public internal(set) var corrupted = 0
    /// Came out after a datagram that was sent later.
    public internal(set) var reordered = 0
    /// Marked with CE.
    public internal(set) var marked = 0

    public init() {}
}
