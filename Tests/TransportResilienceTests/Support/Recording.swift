import Logging
import Synchronization
import TransportResilience

/// A list that tasks append to, and that tests wait on.
final class Recording<Element: Sendable>: Sendable {
    private struct Waiter {
        let isMet: @Sendable ([Element]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct Storage {
        var list: [Element] = []
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let storage = Mutex(Storage())

    var all: [Element] { storage.withLock { $0.list } }

    func append(_ element: Element) {
        let met = storage.withLock { storage in
            storage.list.append(element)
            let met = storage.waiters.filter { $0.value.isMet(storage.list) }
            for id in met.keys { storage.waiters[id] = nil }
            return met.values.map(\.continuation)
        }
        for continuation in met { continuation.resume() }
    }

    /// Returns once `isMet` holds, or when the task is cancelled.
    func wait(until isMet: @escaping @Sendable ([Element]) -> Bool) async {
        let id = storage.withLock { storage in
            storage.nextWaiter += 1
            return storage.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = storage.withLock { storage in
                    if Task.isCancelled || isMet(storage.list) { return true }
                    storage.waiters[id] = Waiter(isMet: isMet, continuation: continuation)
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            storage.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    /// Returns once there are `count` elements.
    func wait(count: Int) async { await wait { $0.count >= count } }
}

extension Recording<ResilienceEvent> {
    var kinds: [ResilienceEvent.Kind] { all.map(\.kind) }

    func count(_ kind: ResilienceEvent.Kind) -> Int { all.count { $0.kind == kind } }

    /// Returns once there are `count` such events.
    func wait(for kind: ResilienceEvent.Kind, count: Int = 1) async {
        await wait { $0.count { $0.kind == kind } >= count }
    }
}

extension Recording<String> {
    /// Writes its lines here.
    var logger: Logger {
        var logger = Logger(label: "test") { _ in RecordingLog(lines: self) }
        logger.logLevel = .trace
        return logger
    }
}

private struct RecordingLog: LogHandler {
    let lines: Recording<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
}
