/// Counts each peer's failures and says who is left out; pure.
///
/// ```
/// counted ──failures in a row──▶ ejected ──its time is over at a sweep──▶ counted
/// ```
struct OutlierMachine {
    private struct Record {
        var failures = 0
        /// How often it was ejected, less the sweeps since at which it was well.
        var ejections = 0
        var ejectedUntil: ContinuousClock.Instant?

        var isBlank: Bool { failures == 0 && ejections == 0 && ejectedUntil == nil }
    }

    let policy: OutlierPolicy
    /// Of those peers only that have something on record.
    private var records: [Int: Record] = [:]
    private(set) var nextSweep: ContinuousClock.Instant?

    init(policy: OutlierPolicy) { self.policy = policy }

    func isEjected(_ peer: Int) -> Bool { records[peer]?.ejectedUntil != nil }

    var ejectedCount: Int { records.values.count { $0.ejectedUntil != nil } }

    /// How many of `peers` may be ejected at one time.
    func maximumEjected(of peers: Int) -> Int {
        peers > 1 ? max(Int(Double(peers) * policy.maximumEjectedShare), 1) : 0
    }

    /// A call to `peer` has succeeded.
    mutating func succeeded(_ peer: Int) {
        guard var record = records[peer], record.ejectedUntil == nil else { return }
        record.failures = 0
        records[peer] = record.isBlank ? nil : record
    }

    /// A call to `peer` has failed.
    ///
    /// - Parameter peers: How many there are.
    /// - Returns: For how long the peer is ejected, if it is now.
    mutating func failed(_ peer: Int, of peers: Int, now: ContinuousClock.Instant) -> Duration? {
        var record = records[peer] ?? Record()
        // What was under way when it was ejected says nothing new.
        guard record.ejectedUntil == nil else { return nil }
        record.failures = min(record.failures + 1, policy.failuresInARow)
        defer { records[peer] = record }
        guard record.failures == policy.failuresInARow, ejectedCount < maximumEjected(of: peers) else { return nil }
        record.failures = 0
        record.ejections += 1
        let length = min(policy.ejection * record.ejections, policy.maximumEjection)
        // It grows no longer, and is worked off by as many sweeps.
        if length == policy.maximumEjection { record.ejections = Int((length / policy.ejection).rounded(.up)) }
        record.ejectedUntil = now.advanced(by: length)
        nextSweep = nextSweep ?? now.advanced(by: policy.sweepInterval)
        return length
    }

    /// The time is `now`.
    ///
    /// - Returns: The peers that return.
    mutating func sweep(now: ContinuousClock.Instant) -> [Int] {
        guard let due = nextSweep, due <= now else { return [] }
        var returned: [Int] = []
        for (peer, var record) in records {
            if let until = record.ejectedUntil {
                guard until <= now else { continue }
                record.ejectedUntil = nil
                returned.append(peer)
            } else {
                record.ejections = max(record.ejections - 1, 0)
            }
            records[peer] = record.isBlank ? nil : record
        }
        let goesOn = records.values.contains { $0.ejections > 0 || $0.ejectedUntil != nil }
        nextSweep = goesOn ? now.advanced(by: policy.sweepInterval) : nil
        return returned.sorted()
    }

    /// Takes `peer` back at once.
    ///
    /// - Returns: Whether it was ejected.
    mutating func takeBack(_ peer: Int) -> Bool {
        guard isEjected(peer) else { return false }
        records[peer]?.ejectedUntil = nil
        return true
    }

    /// There is no such peer any longer.
    mutating func forget(_ peer: Int) { records[peer] = nil }
}
