package import NodeTransport
internal import Synchronization

/// Lets a channel ask its resolver for an early look-up. Requests that come while one waits are one.
public final class ResolutionRequests: Sendable {
    private struct Storage {
        var isRequested = false
        var nextID = 0
        /// Resumed with whether there was a request.
        var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
    }

    private let storage = Mutex(Storage())

    public init() {}

    /// Asks. Everyone who waits is told; when nobody does, the next who waits.
    public func request() {
        let waiting = storage.withLock { storage in
            storage.isRequested = storage.waiting.isEmpty
            defer { storage.waiting = [:] }
            return Array(storage.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }

    /// Waits for a request; may be called again and again, also after a time-out or in another task.
    ///
    /// - Parameters:
    ///   - instant: Until when; `nil` for as long as it takes.
    ///   - clock: What the time passes on.
    /// - Returns: Whether there was a request, which is answered by this; `false` when the time has come first.
    /// - Throws: `CancellationError` when the task is cancelled; a request that was made then is not lost.
    public func next<C: Clock>(
        until instant: ContinuousClock.Instant? = nil, clock: C = ContinuousClock()
    ) async throws(CancellationError) -> Bool where C.Instant == ContinuousClock.Instant {
        try await next(until: instant, clock: AnyContinuousClock(clock))
    }

    /// As the above.
    package func next(
        until instant: ContinuousClock.Instant?, clock: AnyContinuousClock
    ) async throws(CancellationError) -> Bool {
        guard let instant else {
            if await wait() { return true }
            throw CancellationError()
        }
        let isRequested = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                try? await clock.sleep(until: instant)
                return false
            }
            // Whichever ends first ends the other; a request that came at the last moment counts.
            var isRequested = false
            for await outcome in group {
                isRequested = isRequested || outcome
                group.cancelAll()
            }
            return isRequested
        }
        if !isRequested, Task.isCancelled { throw CancellationError() }
        return isRequested
    }

    /// Whether there was a request before the task was cancelled.
    private func wait() async -> Bool {
        let id = storage.withLock { storage in
            storage.nextID += 1
            return storage.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = storage.withLock { storage -> Bool? in
                    // Asked under the lock: the cancellation handler removes only what it finds.
                    if Task.isCancelled { return false }
                    if storage.isRequested {
                        storage.isRequested = false
                        return true
                    }
                    storage.waiting[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            storage.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: false)
        }
    }
}
