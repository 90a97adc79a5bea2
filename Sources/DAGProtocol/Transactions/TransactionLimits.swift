/// What a node accepts as a transaction.
public struct TransactionLimits: Sendable, Hashable {
    /// The longest `tx_id`, `holder_id` or parent's id, in bytes. Fixed: other nodes rely on it.
    public static let maximumIDBytes = 128

    /// The largest payload, in bytes. The default leaves room for the other fields within a message of 4 MiB.
    public var maximumPayloadBytes: Int
    /// How many parents a transaction may have.
    public var maximumParents: Int
    /// How far ahead of this node's clock a transaction's timestamp may be.
    public var maximumClockAdvance: Duration

    public init(
        maximumPayloadBytes: Int = 4 * 1024 * 1024 - 64 * 1024, maximumParents: Int = 64,
        maximumClockAdvance: Duration = .seconds(300)
    ) {
        self.maximumPayloadBytes = maximumPayloadBytes
        self.maximumParents = maximumParents
        self.maximumClockAdvance = maximumClockAdvance
    }
}
