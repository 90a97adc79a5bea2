internal import NodeTransport
internal import TransportResilience

/// Says when to look up next; pure.
struct LookUpSchedule {
    /// When the next look-up begins.
    struct Times: Equatable {
        /// By itself.
        let due: ContinuousClock.Instant
        /// When somebody asks for it.
        let earliest: ContinuousClock.Instant
    }

    let timeToLive: ClosedRange<Duration>
    let minimumInterval: Duration
    let backoff: Backoff
    /// Since the last that did not fail.
    private var failureCount = 0

    init(_ configuration: DNSConfiguration) {
        timeToLive = configuration.timeToLive
        minimumInterval = configuration.minimumInterval
        backoff = configuration.backoff
    }

    /// A look-up is over.
    ///
    /// - Parameters:
    ///   - answer: How long what came may be kept; `nil` when the server does not say, or when nothing came.
    ///   - isFailed: Whether it failed, in whole or in part.
    ///   - chance: A random number within 0..<1.
    mutating func ended(
        keepingFor answer: Duration?, isFailed: Bool, now: ContinuousClock.Instant, chance: Double
    ) -> Times {
        let kept = min(max(answer ?? timeToLive.lowerBound, timeToLive.lowerBound), timeToLive.upperBound)
        guard isFailed else {
            failureCount = 0
            let due = now.advanced(by: kept)
            return Times(due: due, earliest: min(now.advanced(by: minimumInterval), due))
        }
        failureCount = min(failureCount + 1, 1_000)
        let pause = max(backoff.delay(beforeRetry: failureCount, chance: chance), .milliseconds(1))
        guard answer != nil else {
            // However often somebody asks: servers in trouble are left alone.
            return Times(due: now.advanced(by: pause), earliest: now.advanced(by: pause))
        }
        // A part is missing, the rest is as good as ever.
        let due = now.advanced(by: min(pause, kept))
        return Times(due: due, earliest: min(now.advanced(by: minimumInterval), due))
    }
}
