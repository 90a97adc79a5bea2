/// A simulation that was ended because it did not end by itself. Its description has the seed.
public struct SimulationError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// More steps than allowed.
        case stepLimit
        /// Time stands still: a participant has a deadline that does not go away, or always has something to send.
        case livelock
        /// Nothing is under way and nobody sleeps, and yet the work has not ended.
        case stalled
        /// The time that the work was given has passed.
        case timeLimit
    }

    public let code: Code
    public let seed: UInt64
    /// When it was ended, since the network's beginning.
    public let time: Duration
    /// What happened last.
    public let trace: String

    public var description: String {
        let reason =
            switch code {
            case .stepLimit: "too many steps"
            case .livelock: "time stands still"
            case .stalled: "nothing is left to wait for"
            case .timeLimit: "the time is over"
            }
        return "simulation with seed \(seed) ended at \(time): \(reason)\n\(trace)"
    }
}
