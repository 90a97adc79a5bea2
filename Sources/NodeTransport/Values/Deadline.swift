/// The moment by which a call must have ended.
public struct Deadline: Sendable, Hashable, Comparable {
    // A deadline is copied with each call's head. An instant's layout is the standard library's to change, so each copy of
    // one asks the runtime how that is done; a duration is copied as the two numbers that it is.
    private let sinceOrigin: Duration

    private static let origin = ContinuousClock.now

    /// The moment, on the monotonic clock.
    public var instant: ContinuousClock.Instant { Self.origin.advanced(by: sinceOrigin) }

    public init(_ instant: ContinuousClock.Instant) { sinceOrigin = Self.origin.duration(to: instant) }

    /// `duration` from now.
    public static func after(_ duration: Duration) -> Deadline {
        Deadline(now.advanced(by: duration))
    }

    /// `duration` from `clock`'s now; tests put a virtual clock in.
    public static func after<C: Clock>(_ duration: Duration, clock: C) -> Deadline
    where C.Instant == ContinuousClock.Instant {
        Deadline(clock.now.advanced(by: duration))
    }

    /// The time that deadlines are measured by: that of `ContinuousClock`, unless a simulation has put its own in its
    /// place for the running task.
    public static var now: ContinuousClock.Instant { timeSource?.now() ?? .now }

    /// Tells the time of a simulation.
    ///
    /// A type of its own, for the compiler of Swift 6.3 loses the metadata of a task-local function when it optimizes,
    /// and the program ends in `swift_task_localValuePush`.
    package struct TimeSource: Sendable {
        package let now: @Sendable () -> ContinuousClock.Instant

        package init(_ now: @escaping @Sendable () -> ContinuousClock.Instant) { self.now = now }
    }

    /// The time of a simulation, for its tasks and whatever they start.
    @TaskLocal package static var timeSource: TimeSource?

    /// How long there is left; negative when it has passed.
    public func remaining(now: ContinuousClock.Instant = Deadline.now) -> Duration { now.duration(to: instant) }

    /// Whether it has passed.
    public func hasPassed(now: ContinuousClock.Instant = Deadline.now) -> Bool { instant <= now }

    public static func < (left: Deadline, right: Deadline) -> Bool { left.sinceOrigin < right.sinceOrigin }

    /// The deadline of the call that the running handler serves, if it has one.
    ///
    /// Transports bind it around each handler, and every call made in turn inherits it (see
    /// ``effective(_:now:)``).
    @TaskLocal public static var current: Deadline?

    /// How much earlier an inherited deadline is at most, so that this node can still answer in time.
    public static let inheritanceMargin: Duration = .milliseconds(5)

    /// The deadline of a call made now: the earlier of `requested` and the inherited one, the latter less a
    /// margin (a tenth of the time left, at most ``inheritanceMargin``).
    public static func effective(
        _ requested: Deadline?, now: @autoclosure () -> ContinuousClock.Instant = Deadline.now
    ) -> Deadline? {
        guard let inherited = current else { return requested }
        let margin = min(max(inherited.remaining(now: now()) / 10, .zero), inheritanceMargin)
        let bound = Deadline(inherited.instant.advanced(by: .zero - margin))
        return requested.map { min($0, bound) } ?? bound
    }
}
