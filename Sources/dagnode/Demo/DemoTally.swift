internal import Synchronization

/// How many transactions have been acknowledged, for each node; others can wait for a total.
final class DemoTally: Sendable {
    private struct Waiter {
        let node: String?
        let count: Int
        let continuation: AsyncStream<Void>.Continuation
    }

    private struct State {
        var acknowledged: [String: Int] = [:]
        var waiting: [Waiter] = []

        var total: Int { acknowledged.values.reduce(0, +) }

        /// Of one node, or of all.
        func count(_ node: String?) -> Int { node.map { acknowledged[$0] ?? 0 } ?? total }
    }

    private let state = Mutex(State())

    var total: Int { state.withLock { $0.total } }

    var acknowledged: [String: Int] { state.withLock { $0.acknowledged } }

    func set(_ node: String, _ count: Int) {
        let due = state.withLock { state in
            state.acknowledged[node] = count
            let due = state.waiting.filter { $0.count <= state.count($0.node) }
            state.waiting = state.waiting.filter { $0.count > state.count($0.node) }
            return due
        }
        for waiter in due { waiter.continuation.finish() }
    }

    /// Waits until `count` have been acknowledged by `node`, or by all together.
    func wait(for count: Int, by node: String? = nil) async throws {
        let (reached, continuation) = AsyncStream.makeStream(of: Void.self)
        let isReached = state.withLock { state in
            if state.count(node) >= count { return true }
            state.waiting.append(Waiter(node: node, count: count, continuation: continuation))
            return false
        }
        if !isReached {
            for await _ in reached {}
        }
        try Task.checkCancellation()
    }
}
