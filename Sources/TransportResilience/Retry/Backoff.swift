/// How long to wait before a retry: `initialDelay × multiplier^(retry − 1)`, at most `maximumDelay`, jittered.
///
/// Every combination of values is valid: the initializer brings each into its range.
public struct Backoff: Sendable, Hashable {
    /// What chance does to a delay, so that clients that failed together do not come back together.
    public enum Jitter: Sendable, Hashable {
        /// The delay as computed.
        case none
        /// Anything from zero to the delay.
        case full
        /// The delay, more or less by at most this fraction of it (0...1).
        case fraction(Double)
    }

    /// The delay before the first retry.
    public let initialDelay: Duration
    /// By how much each delay is longer than the one before.
    public let multiplier: Double
    /// The longest delay, before jitter.
    public let maximumDelay: Duration
    /// What chance does to each delay.
    public let jitter: Jitter

    /// - Parameters:
    ///   - initialDelay: At least zero, at most a day.
    ///   - multiplier: At least 1.
    ///   - maximumDelay: At least `initialDelay`, at most a day.
    ///   - jitter: What chance does to the delay.
    public init(
        initialDelay: Duration = .milliseconds(100), multiplier: Double = 2, maximumDelay: Duration = .seconds(5),
        jitter: Jitter = .full
    ) {
        let day = Duration.seconds(86_400)
        self.initialDelay = min(max(initialDelay, .zero), day)
        // Also what "not a number" becomes.
        self.multiplier = multiplier >= 1 ? multiplier : 1
        self.maximumDelay = min(max(maximumDelay, self.initialDelay), day)
        self.jitter = jitter
    }

    /// The same delay each time, without jitter.
    public static func constant(_ delay: Duration) -> Backoff {
        Backoff(initialDelay: delay, multiplier: 1, maximumDelay: delay, jitter: .none)
    }

    /// The delay before a retry.
    ///
    /// - Parameters:
    ///   - retry: Which retry, from 1.
    ///   - chance: A random number within 0..<1.
    public func delay(beforeRetry retry: Int, chance: Double) -> Duration {
        let maximum = maximumDelay / .seconds(1)
        var seconds = initialDelay / .seconds(1)
        var remaining = retry - 1
        while remaining > 0, seconds > 0, seconds < maximum, multiplier > 1 {
            seconds *= multiplier
            remaining -= 1
        }
        seconds = min(seconds, maximum)
        let chance = chance >= 0 && chance < 1 ? chance : 0
        switch jitter {
        case .none: break
        case .full: seconds *= chance
        case .fraction(let fraction):
            let fraction = fraction >= 0 ? min(fraction, 1) : 0
            seconds *= 1 + fraction * (2 * chance - 1)
        }
        return .seconds(seconds)
    }
}
