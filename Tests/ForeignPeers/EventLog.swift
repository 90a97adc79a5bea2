package import NodeTransport
internal import Synchronization

/// What `onEvent` heard; a test waits for what it expects.
package final class EventLog: Sendable {
    private struct Waiter {
        let isWanted: @Sendable (TransportEvent) -> Bool
        let continuation: CheckedContinuation<TransportEvent, Never>
    }

    private struct Storage {
        var events: [TransportEvent] = []
        var waiters: [Waiter] = []
    }

    private let storage = Mutex(Storage())

    package init() {}

    package var events: [TransportEvent] { storage.withLock { $0.events } }

    package func note(_ event: TransportEvent) {
        let served = storage.withLock { storage -> [Waiter] in
            storage.events.append(event)
            let served = storage.waiters.filter { $0.isWanted(event) }
            storage.waiters.removeAll { $0.isWanted(event) }
            return served
        }
        for waiter in served { waiter.continuation.resume(returning: event) }
    }

    /// The first event that is wanted, now or later; the test's time limit ends a wait in vain.
    package func first(_ isWanted: @escaping @Sendable (TransportEvent) -> Bool) async -> TransportEvent {
        await withCheckedContinuation { continuation in
            let event = storage.withLock { storage -> TransportEvent? in
                if let event = storage.events.first(where: isWanted) { return event }
                storage.waiters.append(Waiter(isWanted: isWanted, continuation: continuation))
                return nil
            }
            if let event { continuation.resume(returning: event) }
        }
    }

    package func first(_ kind: TransportEvent.Kind) async -> TransportEvent { await first { $0.kind == kind } }
}
