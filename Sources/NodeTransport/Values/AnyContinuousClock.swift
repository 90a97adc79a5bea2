/// Any clock whose instants are `ContinuousClock`'s: the existential `any Clock` cannot say that.
package struct AnyContinuousClock: Sendable {
    private let readNow: @Sendable () -> ContinuousClock.Instant
    private let sleepUntil: @Sendable (ContinuousClock.Instant) async throws -> Void

    package init<C: Clock>(_ clock: C) where C.Instant == ContinuousClock.Instant {
        readNow = { clock.now }
        sleepUntil = { try await clock.sleep(until: $0, tolerance: nil) }
    }

    package var now: ContinuousClock.Instant { readNow() }

    /// Returns when the time is `instant`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    package func sleep(until instant: ContinuousClock.Instant) async throws { try await sleepUntil(instant) }

    /// Returns when `duration` has passed; throws as ``sleep(until:)``.
    package func sleep(for duration: Duration) async throws {
        try await sleepUntil(readNow().advanced(by: duration))
    }
}
