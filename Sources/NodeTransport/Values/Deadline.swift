/// The moment by which a call must have ended.
public struct Deadline: Sendable, Hashable, Comparable {
    /// The moment, on the monotonic clock.
    public let instant: ContinuousClock.Instant

    public init(_ instant: ContinuousClock.Instant) { self.instant = instant }

    /// `duration` from now.
    public static func after(_ duration: Duration) -> Deadline {
        after(duration, clock: ContinuousClock())
    }

    /// `duration` from `clock`'s now; tests put a virtual clock in.
    public static func after<C: Clock>(_ duration: Duration, clock: C) -> Deadline
    where C.Instant == ContinuousClock.Instant {
        Deadline(clock.now.advanced(by: duration))
    }

    /// How long there is left; negative when it has passed.
    public func remaining(now: ContinuousClock.Instant = .now) -> Duration { now.duration(to: instant) }

    /// Whether it has passed.
    public func hasPassed(now: ContinuousClock.Instant = .now) -> Bool { instant <= now }

    public static func < (left: Deadline, right: Deadline) -> Bool { left.instant < right.instant }

    /// The deadline of the call that the running handler serves, if it has one.
    ///
    /// Transports bind it around each handler, and every call made in turn inherits it (see
    /// ``effective(_:now:)``).
    @TaskLocal public static var current: Deadline?

    /// How much earlier an inherited deadline is at most, so that this node can still answer in time.
    public static let inheritanceMargin: Duration = .milliseconds(5)

    /// The deadline of a call made now: the earlier of `requested` and the inherited one, the latter less a
    /// margin (a tenth of the time left, at most ``inheritanceMargin``).
    public static func effective(_ requested: Deadline?, now: @autoclosure () -> ContinuousClock.Instant = .now)
        -> Deadline?
    {
        guard let inherited = current else { return requested }
        let margin = min(max(inherited.remaining(now: now()) / 10, .zero), inheritanceMargin)
        let bound = Deadline(inherited.instant.advanced(by: .zero - margin))
        return requested.map { min($0, bound) } ?? bound
    }
}
