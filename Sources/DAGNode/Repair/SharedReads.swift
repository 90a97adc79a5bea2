internal import DAGProtocol
internal import DAGStore
internal import Synchronization

/// Reads transactions for several requesters: what one is reading already, the others wait for.
///
/// After a node was away, several may ask for the same at the same moment; it is read once.
final class SharedReads: Sendable {
    private let store: any TransactionStore
    private let underWay = Mutex<[String: PendingRead]>([:])

    init(store: any TransactionStore) { self.store = store }

    /// Those of `ids` that are stored, in their order.
    func transactions(_ ids: ArraySlice<String>) async throws -> [Transaction] {
        var reads: [(id: String, read: PendingRead)] = []
        var own: [(id: String, read: PendingRead)] = []
        underWay.withLock { underWay in
            for id in ids {
                if let read = underWay[id] {
                    reads.append((id, read))
                } else {
                    let read = PendingRead()
                    underWay[id] = read
                    own.append((id, read))
                    reads.append((id, read))
                }
            }
        }
        await perform(own)
        var found: [Transaction] = []
        for (id, read) in reads {
            do {
                if let transaction = try await read.value() { found.append(transaction) }
            } catch is CancellationError {
                // Whoever was reading has left.
                try Task.checkCancellation()
                found += try await store.transactions([id], maximumBytes: .max).transactions
            }
        }
        return found
    }

    private func perform(_ own: [(id: String, read: PendingRead)]) async {
        guard !own.isEmpty else { return }
        let result: Result<[String: Transaction], any Error>
        do {
            let batch = try await store.transactions(own.map(\.id)[...], maximumBytes: .max)
            result = .success(
                Dictionary(batch.transactions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }))
        } catch {
            result = .failure(error)
        }
        underWay.withLock { underWay in
            for (id, _) in own { underWay[id] = nil }
        }
        for (id, read) in own { read.resolve(result.map { $0[id] }) }
    }
}

/// One transaction that is being read.
private final class PendingRead: Sendable {
    private struct State {
        var result: Result<Transaction?, any Error>?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func resolve(_ result: Result<Transaction?, any Error>) {
        let waiters = state.withLock { state in
            state.result = result
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits for the end of the read, which comes whatever happens to whoever waits.
    func value() async throws -> Transaction? {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.result == nil { state.waiters.append(continuation) }
                return state.result != nil
            }
            if isDone { continuation.resume() }
        }
        return try state.withLock { try $0.result?.get() }
    }
}
