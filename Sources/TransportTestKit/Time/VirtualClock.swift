internal import Synchronization

/// A clock that stands still until a test moves it.
///
/// Its instants are those of `ContinuousClock`, so that it fits wherever a `Deadline` is kept. A
/// test never sleeps: it waits until the code under test sleeps, then moves the time.
///
/// ```swift
/// let clock = VirtualClock()
/// async let result = withRetry(.default, clock: clock) { _ in try await flaky() }
/// await clock.waitForSleepers(1)
/// clock.advance(by: .milliseconds(100))
/// ```
public final class VirtualClock: Clock, Sendable {
    public typealias Instant = ContinuousClock.Instant

    private struct Sleeper {
        let id: Int
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Rendezvous {
        let id: Int
        let count: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct Storage {
        var now: Instant
        var nextID = 0
        /// In the order in which they wake: by deadline, then by who came first.
        var sleepers: [Sleeper] = []
        var rendezvous: [Rendezvous] = []

        mutating func takeID() -> Int {
            nextID += 1
            return nextID
        }

        mutating func insert(_ sleeper: Sleeper) {
            let place = sleepers.firstIndex { $0.deadline > sleeper.deadline } ?? sleepers.endIndex
            sleepers.insert(sleeper, at: place)
        }

        mutating func takeMetRendezvous() -> [Rendezvous] {
            let met = rendezvous.filter { $0.count <= sleepers.count }
            rendezvous.removeAll { $0.count <= sleepers.count }
            return met
        }
    }

    private let storage: Mutex<Storage>

    /// A clock that shows `now`, by default the time at which it is made.
    public init(now: Instant = .now) { storage = Mutex(Storage(now: now)) }

    public var now: Instant { storage.withLock { $0.now } }

    public var minimumResolution: Duration { .nanoseconds(1) }

    /// How many tasks sleep on this clock.
    public var sleeperCount: Int { storage.withLock { $0.sleepers.count } }

    /// When the next sleeper wakes; `nil` when nobody sleeps.
    public var nextWakeUp: Instant? { storage.withLock { $0.sleepers.first?.deadline } }

    /// Returns once the clock has been moved to `deadline`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = storage.withLock { $0.takeID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (outcome, met) = storage.withLock { storage -> (Result<Void, any Error>?, [Rendezvous]) in
                    // The cancellation handler removes what it finds, so ask again under the lock.
                    if Task.isCancelled { return (.failure(CancellationError()), []) }
                    if deadline <= storage.now { return (.success(()), []) }
                    storage.insert(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    return (nil, storage.takeMetRendezvous())
                }
                if let outcome { continuation.resume(with: outcome) }
                for rendezvous in met { rendezvous.continuation.resume() }
            }
        } onCancel: {
            let sleeper = storage.withLock { storage -> Sleeper? in
                guard let index = storage.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
                return storage.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves the time on and wakes everyone whose time has come, in order; each sees its own deadline or later.
    ///
    /// - Parameter duration: How far; a negative duration does nothing.
    public func advance(by duration: Duration) { advance(to: now.advanced(by: duration)) }

    /// Moves the time on to `instant` and wakes everyone whose time has come, in order.
    public func advance(to instant: Instant) {
        while true {
            let sleeper = storage.withLock { storage -> Sleeper? in
                guard let first = storage.sleepers.first, first.deadline <= instant else {
                    storage.now = max(storage.now, instant)
                    return nil
                }
                storage.now = max(storage.now, first.deadline)
                return storage.sleepers.removeFirst()
            }
            guard let sleeper else { return }
            sleeper.continuation.resume()
        }
    }

    /// Returns once at least `count` tasks sleep on this clock, or when the task is cancelled.
    public func waitForSleepers(_ count: Int = 1) async {
        let id = storage.withLock { $0.takeID() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isMet = storage.withLock { storage in
                    if Task.isCancelled || storage.sleepers.count >= count { return true }
                    storage.rendezvous.append(Rendezvous(id: id, count: count, continuation: continuation))
                    return false
                }
                if isMet { continuation.resume() }
            }
        } onCancel: {
            let rendezvous = storage.withLock { storage -> Rendezvous? in
                guard let index = storage.rendezvous.firstIndex(where: { $0.id == id }) else { return nil }
                return storage.rendezvous.remove(at: index)
            }
            rendezvous?.continuation.resume()
        }
    }
}
