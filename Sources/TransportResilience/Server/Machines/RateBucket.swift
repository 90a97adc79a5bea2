/// How much of a rate is used up: the generic cell rate algorithm (ITU-T I.371), a token bucket that is one number.
///
/// The number is the moment at which the bucket is full again. A bucket that has never been used, and one that was away
/// for long enough, are the same; that is what allows to forget it.
struct RateBucket {
    /// When the bucket is full again; `nil` when it was never used.
    private var fullAt: ContinuousClock.Instant?

    /// A rate in the form the bucket works with.
    struct Rate {
        /// The time in which one token comes back.
        let perToken: Duration
        /// The time in which an empty bucket becomes full.
        let toFill: Duration
        let burst: Int

        init(_ rate: CallRate) {
            perToken = .seconds(1 / rate.perSecond)
            burst = rate.burst
            toFill = perToken * rate.burst
        }
    }

    /// How long it takes until there are `count` tokens; `nil` when they are there. More than the bucket holds count as
    /// a full one.
    func wait(for count: Int, of rate: Rate, now: ContinuousClock.Instant) -> Duration? {
        guard let fullAt, fullAt > now else { return nil }
        let missing = now.duration(to: fullAt) + rate.perToken * min(count, rate.burst) - rate.toFill
        return missing > .zero ? missing : nil
    }

    /// Takes `count` tokens.
    mutating func take(_ count: Int, of rate: Rate, now: ContinuousClock.Instant) {
        let start = fullAt.map { max($0, now) } ?? now
        fullAt = start.advanced(by: rate.perToken * min(count, rate.burst))
    }
}
