internal import Dispatch
internal import EventLoops
internal import Synchronization

/// One event loop for a whole program, so that everything happens in an order that is always the same.
enum SingleLoop {
    private static let group = Result { try EventLoopGroup(count: 1) }

    /// Runs `body` on the event loop, and waits for it.
    ///
    /// - Parameter body: All it starts has to stay on the loop: what runs on the global pool is counted as it comes.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoopGroup) async throws -> Value
    ) throws -> Value {
        let loops = try group.get()
        let outcome = Outcome<Value>()
        // The semaphore waits for its end.
        Task(executorPreference: loops.loops[0].taskExecutor) {
            do {
                outcome.set(.success(try await body(loops)))
            } catch {
                outcome.set(.failure(error))
            }
        }
        return try outcome.wait()
    }
}

/// What comes of a task, for a thread that waits for it.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isThere = DispatchSemaphore(value: 0)

    func set(_ result: Result<Value, any Error>) {
        self.result.withLock { $0 = result }
        isThere.signal()
    }

    func wait() throws -> Value {
        isThere.wait()
        guard let result = result.withLock({ $0 }) else { throw Unexpected("nothing came") }
        return try result.get()
    }
}
