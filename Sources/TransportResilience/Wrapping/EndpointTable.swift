internal import NodeTransport
internal import Synchronization

/// One value for each endpoint, made when it is first asked for.
///
/// Bounded: with `limit` endpoints in it, it forgets the one that was asked for the longest time ago. Whoever holds
/// that one's value goes on with it.
final class EndpointTable<Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        var lastUse: UInt64
    }

    private struct Storage {
        var entries: [Endpoint: Entry] = [:]
        var useCount: UInt64 = 0
    }

    private let limit: Int
    private let make: @Sendable (Endpoint) -> Value
    private let storage = Mutex(Storage())

    init(limit: Int, make: @escaping @Sendable (Endpoint) -> Value) {
        self.limit = max(limit, 1)
        self.make = make
    }

    /// The endpoint's value, made if there is none.
    func value(for endpoint: Endpoint) -> Value {
        storage.withLock { storage in
            storage.useCount &+= 1
            if let value = storage.entries[endpoint]?.value {
                storage.entries[endpoint]?.lastUse = storage.useCount
                return value
            }
            if storage.entries.count >= limit,
                let oldest = storage.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                storage.entries[oldest] = nil
            }
            let value = make(endpoint)
            storage.entries[endpoint] = Entry(value: value, lastUse: storage.useCount)
            return value
        }
    }

    /// The endpoint's value, if there is one.
    func existing(_ endpoint: Endpoint) -> Value? { storage.withLock { $0.entries[endpoint]?.value } }

    /// All that it has.
    var all: [Endpoint: Value] { storage.withLock { $0.entries.mapValues(\.value) } }
}
