internal import NodeTransport
internal import Synchronization

/// Datagrams that wait for a reader; full, it drops the oldest.
final class DatagramQueue<Datagram: Sendable>: Sendable {
    private struct Storage {
        var waiting: [Datagram] = []
        var readers: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextReader = 0
        var end: TransportError?
    }

    private let limit: Int
    private let storage = Mutex(Storage())

    init(limit: Int) { self.limit = max(limit, 1) }

    var isClosed: Bool { storage.withLock { $0.end != nil } }

    func append(_ datagram: Datagram) {
        let reader = storage.withLock { storage -> CheckedContinuation<Void, Never>? in
            guard storage.end == nil else { return nil }
            if storage.waiting.count == limit { storage.waiting.removeFirst() }
            storage.waiting.append(datagram)
            return storage.readers.keys.min().flatMap { storage.readers.removeValue(forKey: $0) }
        }
        reader?.resume()
    }

    func close(with error: TransportError) {
        let readers = storage.withLock { storage in
            storage.end = storage.end ?? error
            defer { storage.readers = [:] }
            return Array(storage.readers.values)
        }
        for reader in readers { reader.resume() }
    }

    /// The next datagram; waits for it.
    ///
    /// - Throws: The error that the queue was closed with; ``StatusCode/cancelled`` when the task is cancelled.
    func next() async throws -> Datagram {
        let id = storage.withLock { storage in
            storage.nextReader += 1
            return storage.nextReader
        }
        return try await withTaskCancellationHandler {
            while true {
                if Task.isCancelled { throw TransportError(.cancelled, "waiting for a datagram was cancelled") }
                let datagram = try storage.withLock { storage -> Datagram? in
                    if !storage.waiting.isEmpty { return storage.waiting.removeFirst() }
                    if let end = storage.end { throw end }
                    return nil
                }
                if let datagram { return datagram }
                await wait(as: id)
            }
        } onCancel: {
            storage.withLock { $0.readers.removeValue(forKey: id) }?.resume()
        }
    }

    private func wait(as id: Int) async {
        await withCheckedContinuation { continuation in
            let goesOn = storage.withLock { storage in
                // Asked under the lock, so that neither a datagram nor the cancellation handler is missed.
                guard storage.waiting.isEmpty, storage.end == nil, !Task.isCancelled else { return true }
                storage.readers[id] = continuation
                return false
            }
            if goesOn { continuation.resume() }
        }
    }
}
