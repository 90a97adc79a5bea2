/// What a call that is over tells a limit that adapts.
struct CallSample {
    enum Outcome {
        /// It ended well: the time it took says something.
        case succeeded
        /// It ended for want of a resource or of time.
        case overloaded
        /// It failed or was cancelled: the time it took says nothing.
        case other
    }

    let began: ContinuousClock.Instant
    let ended: ContinuousClock.Instant
    let outcome: Outcome
    /// How much ran at once when it ended, itself included.
    let inUse: Int

    /// Seconds; at least zero.
    var latency: Double { max(began.duration(to: ended) / .seconds(1), 0) }
}
