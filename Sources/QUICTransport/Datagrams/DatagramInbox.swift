internal import EventLoops
internal import NodeTransport
internal import Synchronization

/// Datagrams that wait for a reader, within a number of bytes; the oldest give way.
final class DatagramInbox: Sendable {
    private struct Storage {
        var waiting: [Bytes] = []
        var byteCount = 0
        var dropped: UInt64 = 0
        var readers: [(id: UInt64, continuation: Suspension<Bytes>)] = []
        var cancelled: Set<UInt64> = []
        var nextReader: UInt64 = 0
        var end: TransportError?
    }

    private let limitBytes: Int
    private let storage = Mutex(Storage())

    init(limitBytes: Int) { self.limitBytes = max(limitBytes, 0) }

    /// How many gave way to newer ones.
    var dropped: UInt64 { storage.withLock { $0.dropped } }

    func append(_ datagram: Bytes) {
        let reader = storage.withLock { storage -> Suspension<Bytes>? in
            guard storage.end == nil else { return nil }
            if !storage.readers.isEmpty { return storage.readers.removeFirst().continuation }
            storage.waiting.append(datagram)
            // An empty one costs something too.
            storage.byteCount += max(datagram.count, 1)
            while storage.byteCount > limitBytes, !storage.waiting.isEmpty {
                storage.byteCount -= max(storage.waiting.removeFirst().count, 1)
                storage.dropped += 1
            }
            return nil
        }
        reader?.resume(returning: datagram)
    }

    func close(with error: TransportError) {
        let readers = storage.withLock { storage in
            storage.end = storage.end ?? error
            return exchange(&storage.readers, with: [])
        }
        for reader in readers { reader.continuation.resume(throwing: error) }
    }

    /// The next datagram; waits for it.
    ///
    /// - Throws: the error that the queue was closed with; ``StatusCode/cancelled`` when the task is cancelled.
    func next() async throws -> Bytes {
        let id = storage.withLock { storage in
            storage.nextReader += 1
            return storage.nextReader
        }
        defer { storage.withLock { _ = $0.cancelled.remove(id) } }
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                let result = storage.withLock { storage -> Result<Bytes, TransportError>? in
                    if storage.cancelled.remove(id) != nil { return .failure(Self.cancellation) }
                    if !storage.waiting.isEmpty {
                        let datagram = storage.waiting.removeFirst()
                        storage.byteCount -= max(datagram.count, 1)
                        return .success(datagram)
                    }
                    if let end = storage.end { return .failure(end) }
                    storage.readers.append((id, continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let reader = storage.withLock { storage -> Suspension<Bytes>? in
                guard let index = storage.readers.firstIndex(where: { $0.id == id }) else {
                    // It has its datagram, or has not begun to wait.
                    storage.cancelled.insert(id)
                    return nil
                }
                return storage.readers.remove(at: index).continuation
            }
            reader?.resume(throwing: Self.cancellation)
        }
    }

    private static var cancellation: TransportError {
        TransportError(.cancelled, "waiting for a datagram was cancelled")
    }
}
