import Synchronization
import TransportResilience

/// Remembers events.
final class Events: Sendable {
    private let storage = Mutex<[ResilienceEvent]>([])

    @Sendable func take(_ event: ResilienceEvent) { storage.withLock { $0.append(event) } }

    var all: [ResilienceEvent] { storage.withLock { $0 } }
}
