import Synchronization
import TransportResilience

/// Remembers events, and lets a test wait for them.
final class Events: Sendable {
    private let storage = Mutex<[ResilienceEvent]>([])
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    @Sendable func take(_ event: ResilienceEvent) {
        storage.withLock { $0.append(event) }
        change.yield()
    }

    var all: [ResilienceEvent] { storage.withLock { $0 } }

    /// Returns when `isMet` holds; the suite's time limit ends a wait that is in vain.
    func wait(until isMet: ([ResilienceEvent]) -> Bool) async {
        if isMet(all) { return }
        for await _ in changes where isMet(all) { return }
    }
}
