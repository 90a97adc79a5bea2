/// What one comparison with a peer found and did.
public struct RepairReport: Sendable, Hashable, CustomStringConvertible {
    /// Bucket digests compared.
    public var digestsCompared = 0
    /// Ids that the peer listed where digests differed.
    public var idsListed = 0
    /// Of those, not stored here.
    public var missing = 0
    /// Fetched, verified and stored.
    public var repaired = 0
    /// Fetched with a content hash other than the listed one, or refused by validation; not stored.
    public var corrupt = 0
    /// Not stored because another transaction has the id here.
    public var conflicts = 0
    /// Bytes of payload fetched.
    public var payloadBytes = 0

    public init() {}

    mutating func add(_ other: RepairReport) {
        digestsCompared += other.digestsCompared
        idsListed += other.idsListed
        missing += other.missing
        repaired += other.repaired
        corrupt += other.corrupt
        conflicts += other.conflicts
        payloadBytes += other.payloadBytes
    }

    public var description: String {
        "\(digestsCompared) digests, \(idsListed) ids listed, \(missing) missing, \(repaired) repaired "
            + "(\(payloadBytes) bytes), \(corrupt) corrupt, \(conflicts) conflicts"
    }
}
