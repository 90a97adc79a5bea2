package import EventLoops
package import NodeTransport

/// One task that waits for its stream: to have a message, to have room, to have metadata.
///
/// Soundness of `@unchecked Sendable`: it is used on the stream's event loop only.
package final class Waiter<Value: Sendable>: @unchecked Sendable {
    private enum State {
        case idle
        case waiting(Suspension<Value>)
        case done
    }

    private var state = State.idle

    package init() {}

    /// Whether the task is waiting.
    package var isWaiting: Bool {
        if case .waiting = state { true } else { false }
    }

    /// Waits with `continuation`, or resumes it at once when the waiter was cancelled before.
    package func wait(_ continuation: Suspension<Value>) {
        if case .done = state {
            continuation.resume(throwing: TransportError(.cancelled, "the task was cancelled"))
        } else {
            state = .waiting(continuation)
        }
    }

    package func resume(_ result: Result<Value, TransportError>) {
        let before = state
        state = .done
        guard case .waiting(let continuation) = before else { return }
        switch result {
        case .success(let value): continuation.resume(returning: value)
        case .failure(let error): continuation.resume(throwing: error)
        }
    }

    /// Ends the wait, now or in the future, with ``StatusCode/cancelled``.
    package func cancel() { resume(.failure(TransportError(.cancelled, "the task was cancelled"))) }
}
