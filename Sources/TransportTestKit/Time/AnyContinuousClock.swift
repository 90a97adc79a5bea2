/// Any clock whose instants are `ContinuousClock`'s: the existential `any Clock` cannot say that.
struct AnyContinuousClock: Sendable {
    private let readNow: @Sendable () -> ContinuousClock.Instant
    private let sleepUntil: @Sendable (ContinuousClock.Instant) async throws -> Void

    init<C: Clock>(_ clock: C) where C.Instant == ContinuousClock.Instant {
        readNow = { clock.now }
        sleepUntil = { try await clock.sleep(until: $0, tolerance: nil) }
    }

    var now: ContinuousClock.Instant { readNow() }

    func sleep(until instant: ContinuousClock.Instant) async throws { try await sleepUntil(instant) }
}
