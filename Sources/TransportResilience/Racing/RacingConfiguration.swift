/// What a ``RacingTransport`` remembers and how it looks again. The transport brings each value into its range.
public struct RacingConfiguration: Sendable {
    /// When the first wire is tried again in the background after the second has won. The delays grow while it does
    /// not work.
    public var probeBackoff = Backoff(
        initialDelay: .seconds(300), multiplier: 2, maximumDelay: .seconds(3_600), jitter: .fraction(0.1))

    /// How long such a trial may take. 1 ms...60 s.
    public var probeTimeout = Duration.seconds(10)

    /// How many peers are remembered; of more, those not connected to for longest are forgotten. 1...100,000.
    public var maximumPeers = 1_000

    /// Whether a peer that has not proved who it is counts as refused. Set it where a wire of the race could be
    /// configured without TLS by mistake: else who drops the packets of the other wire chooses the one without.
    public var requiresIdentity = false

    public init() {}

    var checked: RacingConfiguration {
        var checked = self
        checked.probeTimeout = min(max(probeTimeout, .milliseconds(1)), .seconds(60))
        checked.maximumPeers = min(max(maximumPeers, 1), 100_000)
        return checked
    }
}
